// Filters of system calls, as containers and sandboxes have them: for the children of tests, for
// nothing takes a filter off again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ringio::testing {

/// What a filter answers: a failure with `error`; 0 is a call that does nothing, successfully.
inline std::uint32_t failure(int error) {
    return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
}

/// What a filter kills leaves no core file behind.
inline void install(std::vector<sock_filter> program) {
    sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (::prctl(PR_SET_DUMPABLE, 0) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0) {
        std::fputs("no seccomp", stderr);
        ::_exit(1);
    }
}

/// From now on, in this process, each of these system calls is answered with `answer`
/// (SECCOMP_RET_*).
inline void answer_calls(const std::vector<long>& calls, std::uint32_t answer) {
    std::vector<sock_filter> program = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (std::size_t left = calls.size(); left != 0; --left) {
        const auto call = static_cast<std::uint32_t>(calls[calls.size() - left]);
        program.push_back(
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, static_cast<std::uint8_t>(left), 0));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, answer));
    install(program);
}

/// The same for one system call whose argument `index` is, or is not, `value` in its low half.
inline void answer_call_with(long call, unsigned index, std::uint32_t value, bool equal,
                             std::uint32_t answer) {
    const auto argument =
        static_cast<std::uint32_t>(offsetof(seccomp_data, args) + sizeof(std::uint64_t) * index);
    const std::uint8_t if_equal = equal ? 1 : 0;
    const std::uint8_t if_not = equal ? 0 : 1;
    install({
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, if_equal, if_not),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, answer),
    });
}

/// From now on, in this process, the system call fails with `error`.
inline void forbid(long call, int error) { answer_calls({call}, failure(error)); }

/// The three of io_uring.
inline const std::vector<long>& uring_calls() {
    static const std::vector<long> calls = {__NR_io_uring_setup, __NR_io_uring_enter,
                                            __NR_io_uring_register};
    return calls;
}

}  // namespace ringio::testing

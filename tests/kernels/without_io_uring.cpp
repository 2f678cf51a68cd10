// without_io_uring refuse|kill PROGRAM ARGUMENT...: runs a program as on a host that forbids
// io_uring. Its system calls fail with EPERM, as in most containers, or kill the process.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr std::uint32_t first_call = __NR_io_uring_setup;
constexpr std::uint32_t last_call = __NR_io_uring_register;

bool forbid(std::uint32_t answer) {
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first_call, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last_call, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog filter{sizeof program / sizeof *program, program};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

}  // namespace

int main(int argc, char** argv) {
    const bool kill = argc > 1 && std::strcmp(argv[1], "kill") == 0;
    if (argc < 3 || (!kill && std::strcmp(argv[1], "refuse") != 0)) {
        std::fputs("usage: without_io_uring refuse|kill PROGRAM ARGUMENT...\n", stderr);
        return 2;
    }
    if (!forbid(kill ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM)) {
        std::perror("seccomp");
        return 2;
    }
    ::execvp(argv[2], argv + 2);
    std::perror(argv[2]);
    return 2;
}

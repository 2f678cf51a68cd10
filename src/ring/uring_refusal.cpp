#include "uring_refusal.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <liburing.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ringio/base/unique_fd.hpp>
#include <ringio/ring/setup_failure.hpp>

namespace ringio::detail {
namespace {

// Kernel: Android's filters answer with SIGSYS, which a program may have a handler for.
bool is_android() {
#ifdef __ANDROID__
    return true;
#else
    utsname system{};
    return std::getenv("ANDROID_ROOT") != nullptr ||
           (::uname(&system) == 0 && std::strstr(system.release, "android") != nullptr);
#endif
}

// How many filters look at this process's system calls, as its status says, or -1.
struct Filters {
    bool may_be_there = true;
    long count = -1;
};

long number_after(std::string_view text, std::string_view key) {
    const std::size_t at = text.find(key);
    return at == text.npos ? -1 : std::strtol(text.data() + at + key.size(), nullptr, 10);
}

Filters read_filters() {
    const UniqueFd file(::open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC));
    char status[4096] = {};
    if (!file || ::read(file.get(), status, sizeof status - 1) <= 0) {
        return {};
    }
    // Kernel: the mode is 2 with a filter; their number came with 5.9.
    const long mode = number_after(status, "\nSeccomp:\t");
    return {.may_be_there = mode != 0, .count = number_after(status, "\nSeccomp_filters:\t")};
}

// The calls that a ring begins with. Nothing else: the other threads are not here, and may hold any
// lock. Kernel: a filter's SIGSYS ends who blocks it, and who has the default disposition.
[[noreturn]] void call_uring_and_exit() {
    ::prctl(PR_SET_DUMPABLE, 0);  // its end by a filter is no crash to keep a core file of
    struct sigaction action{};
    action.sa_handler = SIG_DFL;
    ::sigaction(SIGSYS, &action, nullptr);
    io_uring_params params{};
    const long ring = ::syscall(__NR_io_uring_setup, 2, &params);
    if (ring >= 0) {
        std::uint64_t probe[2 + 2 * 8] = {};
        ::syscall(__NR_io_uring_register, ring, IORING_REGISTER_PROBE, probe, 8);
        ::syscall(__NR_io_uring_enter, ring, 0, 0, 0, nullptr, 0);
    }
    ::_exit(0);
}

// In a child all signals are blocked: the program's handlers would take it for the program.
long fork_in_silence() {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const long child = ::syscall(SYS_clone, 0UL, nullptr, nullptr, nullptr, 0UL);
    if (child == 0) {
        call_uring_and_exit();
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return child;
}

enum class Fate { lives, killed, unknown };

// Kernel: no exit signal, so that no handler for SIGCHLD and nobody else's wait sees the child. Not
// CLONE_VM: until 5.17 a core dump killed all who share the memory.
Fate fate_of_who_calls_uring() {
    const long child = fork_in_silence();
    if (child < 0) {
        return Fate::unknown;
    }
    int status = 0;
    while (::waitpid(static_cast<pid_t>(child), &status, __WALL) < 0) {
        if (errno != EINTR) {
            return Fate::unknown;
        }
    }
    if (WIFEXITED(status)) {
        return Fate::lives;
    }
    return WTERMSIG(status) == SIGSYS ? Fate::killed : Fate::unknown;
}

}  // namespace

bool is_uring_refusal(int error) noexcept {
    switch (error) {
        case EPERM:
        case EACCES:
        case ENOSYS:
        case EOPNOTSUPP:
        case EINVAL:  // what ringio needs is not known here
            return true;
        default:
            return false;
    }
}

std::optional<std::string> foresee_uring_refusal() {
    if (is_android()) {
        return "Android's filters kill programs that use io_uring";
    }
    constexpr int forbidden_to_all = 2;
    if (const int sysctl = read_io_uring_sysctl(); sysctl == forbidden_to_all) {
        return explain_setup_failure(EPERM, sysctl, {});
    }
    const Filters filters = read_filters();
    if (!filters.may_be_there) {
        return std::nullopt;
    }
    // What these filters let live is known, until there are more of them. Each thread has its own.
    static constinit thread_local long harmless_filters = -1;
    if (filters.count >= 0 && filters.count == harmless_filters) {
        return std::nullopt;
    }
    switch (fate_of_who_calls_uring()) {
        case Fate::lives:
            harmless_filters = filters.count;
            return std::nullopt;
        case Fate::killed:
            return "a seccomp filter kills programs that use io_uring; run with a profile that "
                   "allows io_uring_setup, io_uring_enter and io_uring_register";
        case Fate::unknown:
            break;
    }
    return "there is a seccomp filter, and whether it kills programs that use io_uring could not "
           "be found out; RINGIO_KERNEL=uring uses it all the same";
}

}  // namespace ringio::detail

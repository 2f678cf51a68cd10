#include <ringio/ring/setup_failure.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>

#include <ringio/base/unique_fd.hpp>

namespace ringio {
namespace {

// Kernel: the sysctl came with 6.6; without the file every process may use io_uring.
std::string explain_permission(int sysctl_value) {
    if (sysctl_value == 2) {
        return "the sysctl kernel.io_uring_disabled=2 forbids it to every process; allow it: "
               "sysctl -w kernel.io_uring_disabled=0";
    }
    if (sysctl_value == 1) {
        return "the sysctl kernel.io_uring_disabled=1 reserves it to privileged processes and to "
               "the group kernel.io_uring_group; allow it: sysctl -w kernel.io_uring_disabled=0, "
               "or add the user to that group";
    }
    return "no sysctl forbids it, so a seccomp profile does, as those of Docker 25, Podman and "
           "Kubernetes (RuntimeDefault); run the container with a profile that allows "
           "io_uring_setup, io_uring_enter and io_uring_register: "
           "docker run --security-opt seccomp=profile.json";
}

std::string limit_text(std::uint64_t limit) {
    return limit == RLIM_INFINITY ? "unlimited" : std::to_string(limit);
}

std::string explain_cause(int error, int sysctl_value, const SetupLimits& limits) {
    if (*limits.operation != '\0') {
        return std::string("its operation ") + limits.operation +
               " is refused, so a filter or restriction of io_uring stands in the way; have it "
               "allow the operations that docs/kernels.md lists";
    }
    switch (error) {
        case EPERM:
        case EACCES:
            return explain_permission(sysctl_value);
        case ENOSYS:
        case EOPNOTSUPP:
            return "the kernel has none (older than 5.1, built without CONFIG_IO_URING, or a "
                   "sandbox such as gVisor, WSL 1 or a seccomp profile hides it); run on Linux 6.1 "
                   "or newer, outside of that sandbox";
        case EINVAL:
            return "the kernel is too old: ringio needs what Linux 6.1 brought; upgrade it "
                   "(uname -r tells which one runs)";
        case ENOMEM:
            return "no memory for a ring of " + std::to_string(limits.entries) +
                   " entries (RLIMIT_MEMLOCK is " + limit_text(limits.memlock) +
                   " bytes); ask for fewer entries, or raise the limit (ulimit -l, LimitMEMLOCK=) "
                   "or the memory of the container";
        case EMFILE:
            return "the process has no file descriptor left (RLIMIT_NOFILE is " +
                   limit_text(limits.open_files) +
                   "); close some, or raise the limit (ulimit -n, LimitNOFILE=)";
        case ENFILE:
            return "the system has no file descriptor left (RLIMIT_NOFILE of this process is " +
                   limit_text(limits.open_files) +
                   "); close some, or raise the limit: sysctl -w fs.file-max=<more>";
        default:
            return "io_uring_setup failed for a reason that ringio does not know; "
                   "the kernel's log (dmesg) may say more";
    }
}

}  // namespace

std::string explain_setup_failure(int error, int sysctl_value, const SetupLimits& limits) {
    return "io_uring cannot be used: " + explain_cause(error, sysctl_value, limits);
}

// Kernel: programs that filter requests came with 7.0. No errno tells their refusal from another.
bool has_request_filters(const char* release) noexcept { return std::atoi(release) >= 7; }

int read_io_uring_sysctl() noexcept {
    const UniqueFd file(::open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC));
    char digit = 0;
    if (!file || ::read(file.get(), &digit, 1) != 1 || digit < '0' || digit > '9') {
        return no_io_uring_sysctl;
    }
    return digit - '0';
}

}  // namespace ringio

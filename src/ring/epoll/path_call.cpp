#include "call.hpp"

#include <cstdint>
#include <cstdio>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../posix_now.hpp"

namespace ringio::detail {
namespace {

// Kernel: io_uring, too, opens without waiting for the other end of a FIFO, and takes the flag off
// again. What a lease refuses that way is opened by waiting.
template <class Open>
int open_without_waiting(std::uint64_t flags, Open open) noexcept {
    if ((flags & (O_NONBLOCK | O_PATH)) != 0) {
        return result_of(open(flags));
    }
    int fd = open(flags | O_NONBLOCK);
    if (fd < 0 && errno == EWOULDBLOCK) {
        fd = open(flags);
    } else if (fd >= 0) {
        ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    }
    return result_of(fd);
}

int open_file(const io_uring_sqe& request) noexcept {
    return open_without_waiting(request.open_flags, [&](std::uint64_t flags) {
        return ::openat(request.fd, pointer<const char>(request.addr), static_cast<int>(flags),
                        request.len);
    });
}

int open_file_how(const io_uring_sqe& request) noexcept {
    open_how how = *pointer<const open_how>(request.off);
    return open_without_waiting(how.flags, [&](std::uint64_t flags) {
        how.flags = flags;
        return static_cast<int>(::syscall(SYS_openat2, request.fd,
                                          pointer<const char>(request.addr), &how, sizeof(how)));
    });
}

}  // namespace

int call_on_path(const io_uring_sqe& request) noexcept {
    const auto* const path = pointer<const char>(request.addr);
    const auto* const second_path = pointer<const char>(request.addr2);
    const auto second_directory = static_cast<int>(request.len);
    switch (request.opcode) {
        case IORING_OP_OPENAT:
            return open_file(request);
        case IORING_OP_OPENAT2:
            return open_file_how(request);
        case IORING_OP_STATX:
            return result_of(::statx(request.fd, path, static_cast<int>(request.statx_flags),
                                     request.len, pointer<struct ::statx>(request.off)));
        case IORING_OP_MKDIRAT:
            return result_of(::mkdirat(request.fd, path, request.len));
        case IORING_OP_UNLINKAT:
            return result_of(::unlinkat(request.fd, path, static_cast<int>(request.unlink_flags)));
        case IORING_OP_RENAMEAT:
            return result_of(
                ::renameat2(request.fd, path, second_directory, second_path, request.rename_flags));
        case IORING_OP_SYMLINKAT:
            return result_of(::symlinkat(path, request.fd, second_path));
        case IORING_OP_LINKAT:
            return result_of(::linkat(request.fd, path, second_directory, second_path,
                                      static_cast<int>(request.hardlink_flags)));
        default:
            return -EINVAL;
    }
}

}  // namespace ringio::detail

#include "call.hpp"

#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../posix_now.hpp"

namespace ringio::detail {
namespace {

// Kernel: io_uring, too, opens without waiting for the other end of a FIFO, and takes the flag off
// again. What a lease refuses that way is opened by waiting.
int open_file(const io_uring_sqe& request) noexcept {
    const auto* const path = pointer<const char>(request.addr);
    const auto flags = static_cast<int>(request.open_flags);
    if ((flags & (O_NONBLOCK | O_PATH)) != 0) {
        return result_of(::openat(request.fd, path, flags, request.len));
    }
    int fd = ::openat(request.fd, path, flags | O_NONBLOCK, request.len);
    if (fd < 0 && errno == EWOULDBLOCK) {
        fd = ::openat(request.fd, path, flags, request.len);
    } else if (fd >= 0) {
        ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    }
    return result_of(fd);
}

}  // namespace

int call_on_path(const io_uring_sqe& request) noexcept {
    const auto* const path = pointer<const char>(request.addr);
    const auto* const second_path = pointer<const char>(request.addr2);
    const auto second_directory = static_cast<int>(request.len);
    switch (request.opcode) {
        case IORING_OP_OPENAT:
            return open_file(request);
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

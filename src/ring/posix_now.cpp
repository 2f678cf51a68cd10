#include "posix_now.hpp"

#include <algorithm>
#include <limits>

#include <fcntl.h>
#include <liburing.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <ringio/ring/file_requests.hpp>
#include <ringio/ring/max_transfer.hpp>
#include <ringio/ring/socket_requests.hpp>

namespace ringio::detail {
namespace {

// What a request answers, from what a system call returned.
int answer_of(ssize_t result) noexcept {
    if (result >= 0) {
        return static_cast<int>(std::min<ssize_t>(result, std::numeric_limits<int>::max()));
    }
    return errno == EINTR ? -EAGAIN : -errno;
}

// Kernel: RWF_NOWAIT does for one call what O_NONBLOCK does for all who share the descriptor; pipes
// know it since 6.4, terminals do not. There, only what is O_NONBLOCK itself is tried, such as the
// pipes that ringio makes.
int write_now(const io_uring_sqe& request) noexcept {
    iovec bytes{pointer<void>(request.addr), request.len};
    const ssize_t written =
        ::pwritev2(request.fd, &bytes, 1, static_cast<off_t>(request.off), RWF_NOWAIT);
    if (written >= 0 || errno != EOPNOTSUPP) {
        return answer_of(written);
    }
    const int flags = request.off == current_position ? ::fcntl(request.fd, F_GETFL) : -1;
    if (flags < 0 || (flags & O_NONBLOCK) == 0) {
        return -EAGAIN;
    }
    return answer_of(::write(request.fd, bytes.iov_base, bytes.iov_len));
}

}  // namespace

ssize_t call_socket(const io_uring_sqe& request) noexcept {
    const int flags = static_cast<int>(request.msg_flags | MSG_DONTWAIT | MSG_NOSIGNAL);
    switch (request.opcode) {
        case IORING_OP_RECV:
            return ::recv(request.fd, pointer<void>(request.addr), request.len, flags);
        case IORING_OP_SEND:
            return ::send(request.fd, pointer<const void>(request.addr), request.len, flags);
        case IORING_OP_RECVMSG:
            return ::recvmsg(request.fd, pointer<msghdr>(request.addr), flags);
        default:
            return ::sendmsg(request.fd, pointer<const msghdr>(request.addr), flags);
    }
}

int answer_now(const io_uring_sqe& request) noexcept {
    // Buffer selection and multishot are the ring's; a MSG_WAITALL that cannot wait would be short.
    if (request.flags != 0 || request.ioprio != 0 || (request.msg_flags & MSG_WAITALL) != 0) {
        return -EAGAIN;
    }
    switch (request.opcode) {
        case IORING_OP_RECV:
        case IORING_OP_SEND:
        case IORING_OP_RECVMSG:
        case IORING_OP_SENDMSG:
            return answer_of(call_socket(request));
        case IORING_OP_WRITE:
            return write_now(request);
        default:
            return -EAGAIN;
    }
}

int send_now(const SendRequest& request) noexcept {
    if ((request.flags & MSG_WAITALL) != 0) {
        return -EAGAIN;
    }
    return answer_of(::send(request.fd, request.buffer, clamp_transfer(request.size),
                            request.flags | MSG_DONTWAIT | MSG_NOSIGNAL));
}

}  // namespace ringio::detail

#include <ringio/ring/socket_requests.hpp>

#include <type_traits>

#include <liburing.h>
#include <sys/socket.h>

#include <ringio/base/unique_fd.hpp>
#include <ringio/ring/max_transfer.hpp>

namespace ringio {

static_assert(std::is_same_v<socklen_t, std::uint32_t>);

void AcceptRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_accept(&sqe, fd, nullptr, nullptr, flags | SOCK_CLOEXEC);
}

void AcceptRequest::dispose(int result, std::uint32_t) noexcept {
    if (result >= 0) {
        UniqueFd{result}.reset();
    }
}

void ConnectRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_connect(&sqe, fd, address, length);
}

void ConnectRequest::dispose(int, std::uint32_t) noexcept {}

void RecvRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_recv(&sqe, fd, buffer, clamp_transfer(size), flags);
}

void RecvRequest::dispose(int, std::uint32_t) noexcept {}

// Kernel: 6.0. The length must be 0: that of the buffer counts.
void RecvMultishotRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_recv_multishot(&sqe, fd, nullptr, 0, 0);
    io_uring_sqe_set_flags(&sqe, IOSQE_BUFFER_SELECT);
    sqe.buf_group = group;
}

// Kernel: whether a send through the ring raises SIGPIPE changed in 6.x; MSG_NOSIGNAL settles it.
void SendRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_send(&sqe, fd, buffer, clamp_transfer(size), flags | MSG_NOSIGNAL);
}

void SendRequest::dispose(int, std::uint32_t) noexcept {}

void SendMsgRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_sendmsg(&sqe, fd, message, static_cast<unsigned>(flags | MSG_NOSIGNAL));
}

void SendMsgRequest::dispose(int, std::uint32_t) noexcept {}

void RecvMsgRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_recvmsg(&sqe, fd, message, static_cast<unsigned>(flags | MSG_CMSG_CLOEXEC));
}

void RecvMsgRequest::dispose(int, std::uint32_t) noexcept {}

void ShutdownRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_shutdown(&sqe, fd, how);
}

void ShutdownRequest::dispose(int, std::uint32_t) noexcept {}

}  // namespace ringio

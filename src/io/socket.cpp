#include <ringio/io/socket.hpp>

#include <ringio/base/system_calls.hpp>
#include <ringio/ring/control_requests.hpp>

#include "file_part.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <system_error>

namespace ringio {
namespace {

[[noreturn]] void throw_errno(const std::string& what) {
    throw std::system_error(errno, std::system_category(), what);
}

template <class Function>
SocketAddress address_by(Function function, int fd, const char* what) {
    sockaddr_storage storage = {};
    socklen_t length = sizeof(storage);
    if (function(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
        throw_errno(what);
    }
    return SocketAddress(reinterpret_cast<const sockaddr*>(&storage), length);
}

Socket made(int family, int type, int protocol) {
    UniqueFd fd(detail::system_calls->socket(family, type | SOCK_CLOEXEC, protocol));
    if (!fd) {
        throw_errno("socket");
    }
    return Socket(std::move(fd));
}

// The coroutines below take the descriptor: the Socket may be moved meanwhile.

Task<> send_all(int fd, std::string_view data) {
    while (!data.empty()) {
        const int sent = co_await Op<SendRequest>({fd, data.data(), data.size(), 0});
        data.remove_prefix(static_cast<std::size_t>(sent));
    }
}

Task<std::uint64_t> send_file(int fd, std::unique_ptr<detail::FilePart> part) {
    while (!part->is_over()) {
        const int size = co_await part->read();
        if (size == 0) {
            break;
        }
        std::string_view rest = part->piece(size);
        while (!rest.empty()) {
            const int sent = co_await Op<SendRequest>({fd, rest.data(), rest.size(), 0});
            rest.remove_prefix(static_cast<std::size_t>(sent));
            part->count_sent(static_cast<std::size_t>(sent));
        }
    }
    co_return part->sent();
}

Task<std::size_t> send_to(int fd, std::string_view data, SocketAddress address) {
    iovec part = {.iov_base = const_cast<char*>(data.data()), .iov_len = data.size()};
    msghdr message = {};
    message.msg_name = const_cast<sockaddr*>(address.data());
    message.msg_namelen = address.size();
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    // Kernel: io_uring must not send a datagram again after EAGAIN: a Unix socket has taken its
    // bytes by then, and an empty one would be sent (seen with 6.18).
    int sent = co_await Op<SendMsgRequest>({fd, &message, MSG_DONTWAIT}).as_code();
    while (sent == -EAGAIN) {
        co_await Op<PollRequest>({.fd = fd, .mask = POLLOUT});
        sent = co_await Op<SendMsgRequest>({fd, &message, MSG_DONTWAIT}).as_code();
    }
    if (sent < 0) {
        const std::string what = "sendto " + address.to_string();
        throw std::system_error(-sent, std::system_category(),
                                detail::describe_failure(-sent, what));
    }
    co_return static_cast<std::size_t>(sent);
}

Task<ReceivedFrom> receive_from(int fd, std::span<char> buffer) {
    iovec part = {.iov_base = buffer.data(), .iov_len = buffer.size()};
    sockaddr_storage sender = {};
    msghdr message = {};
    message.msg_name = &sender;
    message.msg_namelen = sizeof(sender);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const int size = co_await Op<RecvMsgRequest>({fd, &message, 0}).as_code();
    if (size < 0) {
        detail::throw_system_error(-size, "recvfrom");
    }
    const SocketAddress from(reinterpret_cast<const sockaddr*>(&sender), message.msg_namelen);
    co_return ReceivedFrom{static_cast<std::size_t>(size), from,
                           (message.msg_flags & MSG_TRUNC) != 0};
}

}  // namespace

// Kernel: the descriptors are in blocking mode: whichever kernel answers waits by itself.
Socket Socket::stream(int family) { return made(family, SOCK_STREAM, 0); }

Socket Socket::datagram(int family, int protocol) { return made(family, SOCK_DGRAM, protocol); }

Socket Socket::listening(const SocketAddress& address, int backlog, bool reuse_port) {
    Socket socket = stream(address.family());
    socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
    if (reuse_port) {
        socket.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (address.family() == AF_INET6) {
        socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    socket.bind(address);
    socket.listen(backlog);
    return socket;
}

Socket Socket::adopted(UniqueFd fd) {
    const int flags = detail::system_calls->fcntl(fd.get(), F_GETFL, 0);
    if (flags < 0 || detail::system_calls->fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0 ||
        detail::system_calls->fcntl(fd.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) {
        throw_errno("fcntl");
    }
    return Socket(std::move(fd));
}

void Socket::bind(const SocketAddress& address) const {
    if (detail::system_calls->bind(fd(), address.data(), address.size()) != 0) {
        throw_errno("bind to " + address.to_string());
    }
}

void Socket::listen(int backlog) const {
    if (detail::system_calls->listen(fd(), backlog) != 0) {
        const std::error_code error(errno, std::system_category());
        throw std::system_error(error, "listen on " + getsockname().to_string());
    }
}

void Socket::setsockopt(int level, int option, const void* value, std::size_t size) const {
    if (detail::system_calls->setsockopt(fd(), level, option, value,
                                         static_cast<socklen_t>(size)) != 0) {
        throw_errno("setsockopt");
    }
}

SocketAddress Socket::getsockname() const {
    return address_by(detail::system_calls->getsockname, fd(), "getsockname");
}

SocketAddress Socket::getpeername() const {
    return address_by(detail::system_calls->getpeername, fd(), "getpeername");
}

Task<> Socket::sendall(std::string_view data) const { return send_all(fd(), data); }

Task<std::uint64_t> Socket::sendfile(int file, SendfileOptions options) const {
    int type = 0;
    socklen_t length = sizeof(type);
    if (detail::system_calls->getsockopt(fd(), SOL_SOCKET, SO_TYPE, &type, &length) != 0) {
        throw_errno("sendfile");
    }
    if (type != SOCK_STREAM) {
        throw std::invalid_argument("only SOCK_STREAM type sockets are supported");
    }
    return send_file(fd(), std::make_unique<detail::FilePart>(file, options));
}

Task<std::size_t> Socket::sendto(std::string_view data, SocketAddress address) const {
    return send_to(fd(), data, address);
}

Task<ReceivedFrom> Socket::recvfrom(std::span<char> buffer) const {
    return receive_from(fd(), buffer);
}

void Socket::shutdown(int how) const noexcept { detail::system_calls->shutdown(fd(), how); }

void Socket::discard_input() const noexcept {
    char waste[16 * 1024];
    for (int round = 0; round < 64; ++round) {
        if (detail::system_calls->recv(fd(), waste, sizeof(waste), MSG_DONTWAIT) <= 0) {
            return;
        }
    }
}

void Socket::set_no_delay() const noexcept {
    const int on = 1;
    detail::system_calls->setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace ringio

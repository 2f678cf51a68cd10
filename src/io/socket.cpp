#include <ringio/io/socket.hpp>

#include <ringio/base/system_calls.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace ringio {
namespace {

[[noreturn]] void throw_errno(const std::string& what) {
    throw std::system_error(errno, std::system_category(), what);
}

void set_option(int fd, int level, int option, int value) {
    if (detail::system_calls->setsockopt(fd, level, option, &value, sizeof(value)) != 0) {
        throw_errno("setsockopt");
    }
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

}  // namespace

// Kernel: the descriptors are in blocking mode: whichever kernel answers waits by itself.
Socket Socket::stream(int family) {
    UniqueFd fd(detail::system_calls->socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) {
        throw_errno("socket");
    }
    return Socket(std::move(fd));
}

Socket Socket::listening(const SocketAddress& address, int backlog, bool reuse_port) {
    Socket socket = stream(address.family());
    set_option(socket.fd(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (reuse_port) {
        set_option(socket.fd(), SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (address.family() == AF_INET6) {
        set_option(socket.fd(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
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

SocketAddress Socket::getsockname() const {
    return address_by(detail::system_calls->getsockname, fd(), "getsockname");
}

SocketAddress Socket::getpeername() const {
    return address_by(detail::system_calls->getpeername, fd(), "getpeername");
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

// Plain blocking TCP sockets: the peer of a test that knows nothing of the library. On the loopback
// interface what one side has sent is there for the other at once, so the tests need no waiting.
#pragma once

#include <ringio/base/unique_fd.hpp>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ringio::test_support {

/// A POSIX socket. Its failures are exceptions, so that a test that cannot go on ends.
class RawSocket {
public:
    RawSocket() noexcept = default;
    explicit RawSocket(int fd) : fd_(fd) {
        if (fd < 0) {
            fail("a raw socket");
        }
    }

    /// Listens on 127.0.0.1, at a free port.
    static RawSocket listening(int backlog = 100) {
        RawSocket socket = bound();
        check(::listen(socket.fd(), backlog), "listen");
        return socket;
    }

    /// Holds a port of 127.0.0.1 at which nobody listens: connecting to it is refused.
    static RawSocket bound() {
        RawSocket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_in address = loopback(0);
        check(::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
              "bind");
        return socket;
    }

    static RawSocket connected(std::uint16_t port) {
        RawSocket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_in address = loopback(port);
        check(::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
              "connect");
        return socket;
    }

    static sockaddr_in loopback(std::uint16_t port) noexcept {
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        return address;
    }

    int fd() const noexcept { return fd_.get(); }
    std::uint16_t port() const {
        sockaddr_in address = {};
        socklen_t length = sizeof(address);
        check(::getsockname(fd(), reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
        return ntohs(address.sin_port);
    }

    RawSocket accept() const { return RawSocket(::accept4(fd(), nullptr, nullptr, SOCK_CLOEXEC)); }

    /// Sends all of it.
    void send(std::string_view data) const {
        while (!data.empty()) {
            const ssize_t n = ::send(fd(), data.data(), data.size(), MSG_NOSIGNAL);
            check(n < 0 ? -1 : 0, "send");
            data.remove_prefix(static_cast<std::size_t>(n));
        }
    }

    /// Receives once, at most `size` bytes; waits for at least one. Empty: the end.
    std::string receive(std::size_t size = 65536, int flags = 0) const {
        std::string data(size, '\0');
        const ssize_t n = ::recv(fd(), data.data(), size, flags);
        check(n < 0 ? -1 : 0, "recv");
        data.resize(static_cast<std::size_t>(n));
        return data;
    }

    /// What is there now, at most `size` bytes; nothing when there is nothing.
    std::string receive_now(std::size_t size = 65536) const {
        std::string data(size, '\0');
        const ssize_t n = ::recv(fd(), data.data(), size, MSG_DONTWAIT);
        data.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return data;
    }

    std::string receive_to_end() const {
        std::string all;
        for (std::string part = receive(); !part.empty(); part = receive()) {
            all += part;
        }
        return all;
    }

    /// Says whether the other side has ended its direction, or the connection is broken.
    bool ended() const {
        char byte = 0;
        const ssize_t n = ::recv(fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        return n == 0 || (n < 0 && errno != EAGAIN);
    }

    void shutdown_write() const { check(::shutdown(fd(), SHUT_WR), "shutdown"); }
    void close() noexcept { fd_.reset(); }

    /// Closes with a reset: the other side sees ECONNRESET.
    void reset() {
        const linger at_once = {.l_onoff = 1, .l_linger = 0};
        check(::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), "SO_LINGER");
        close();
    }

    /// Sets SO_RCVBUF or SO_SNDBUF.
    void set_buffer(int option, int size) const {
        check(::setsockopt(fd(), SOL_SOCKET, option, &size, sizeof(size)), "setsockopt");
    }

private:
    [[noreturn]] static void fail(const char* what) {
        throw std::system_error(errno, std::system_category(), what);
    }
    static void check(int result, const char* what) {
        if (result != 0) {
            fail(what);
        }
    }

    UniqueFd fd_;
};

}  // namespace ringio::test_support

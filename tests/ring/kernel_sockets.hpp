// Descriptors for the suites of kernels: pairs that are connected, full ones, listeners.
#pragma once

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <ringio/base/unique_fd.hpp>
#include <support/catch.hpp>
#include <support/raw_socket.hpp>

#include "kernel_contract.hpp"

namespace ringio::testing {

enum class Family { tcp, local };

/// While it lives, a write to what nobody reads is an error and no signal.
class NoSigpipe {
public:
    NoSigpipe() : before_(std::signal(SIGPIPE, SIG_IGN)) {}
    NoSigpipe(const NoSigpipe&) = delete;
    NoSigpipe& operator=(const NoSigpipe&) = delete;
    ~NoSigpipe() { std::signal(SIGPIPE, before_); }

private:
    void (*before_)(int);
};

/// Two descriptors: what is written to `far` is read from `near`; with sockets the other way, too.
struct Ends {
    UniqueFd near;
    UniqueFd far;

    static Ends sockets(Family family, int type = SOCK_STREAM) {
        if (family == Family::local) {
            int fds[2] = {-1, -1};
            REQUIRE(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) == 0);
            return {UniqueFd(fds[0]), UniqueFd(fds[1])};
        }
        const auto listener = test_support::RawSocket::listening();
        auto far = test_support::RawSocket::connected(listener.port());
        UniqueFd near(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
        REQUIRE(near);
        UniqueFd far_fd(::fcntl(far.fd(), F_DUPFD_CLOEXEC, 0));
        return {std::move(near), std::move(far_fd)};
    }
    static Ends pipe(int flags = 0) {
        int fds[2] = {-1, -1};
        REQUIRE(::pipe2(fds, O_CLOEXEC | flags) == 0);
        return {UniqueFd(fds[0]), UniqueFd(fds[1])};
    }

    void write(std::string_view bytes) const {
        REQUIRE(::write(far.get(), bytes.data(), bytes.size()) ==
                static_cast<ssize_t>(bytes.size()));
    }
};

inline void set_non_blocking(int fd, bool on) {
    const int flags = ::fcntl(fd, F_GETFL);
    REQUIRE(::fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) == 0);
}

/// Writes until there is no room; returns how many bytes it was.
inline std::size_t fill(int fd) {
    static const std::vector<char> bytes(1 << 16, 'f');
    set_non_blocking(fd, true);
    std::size_t all = 0;
    for (std::size_t size = bytes.size(); size != 0;) {
        const ssize_t written = ::write(fd, bytes.data(), size);
        if (written > 0) {
            all += static_cast<std::size_t>(written);
        } else {
            REQUIRE(errno == EAGAIN);
            size /= 2;
        }
    }
    set_non_blocking(fd, false);
    return all;
}

/// Fills `near` until the other side reads. Kernel: TCP makes more room by itself, after 40 ms when
/// the first delayed ACK comes, and after 200 ms; not while there is something that was not sent.
inline std::size_t fill(const Ends& ends) {
    const std::size_t all = fill(ends.near.get());
    const int least = 1;
    ::setsockopt(ends.near.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &least, sizeof least);
    return all;
}

/// Reads what is there.
inline std::string read_now(int fd) {
    std::string all;
    std::array<char, 16384> bytes;
    set_non_blocking(fd, true);
    for (ssize_t n = 0; (n = ::read(fd, bytes.data(), bytes.size())) > 0;) {
        all.append(bytes.data(), static_cast<std::size_t>(n));
    }
    set_non_blocking(fd, false);
    return all;
}

/// A descriptor with the number of another one, which is closed.
inline UniqueFd reused(int number, UniqueFd fresh) {
    if (fresh.get() == number) {
        return fresh;
    }
    UniqueFd moved(::dup3(fresh.get(), number, O_CLOEXEC));
    REQUIRE(moved.get() == number);
    return moved;
}

inline void set_small_buffers(const Ends& ends) {
    const int size = 4096;
    for (const int fd : {ends.near.get(), ends.far.get()}) {
        REQUIRE(::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
        REQUIRE(::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) == 0);
    }
}

/// Closes a TCP socket with a reset.
inline void reset_connection(UniqueFd& fd) {
    const linger at_once{1, 0};
    REQUIRE(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    fd.reset();
}

/// A socket that listens, with its address.
class Listener {
public:
    explicit Listener(Family family, int backlog = 16) : family_(family) {
        if (family == Family::tcp) {
            fd_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            auto* const address = reinterpret_cast<sockaddr_in*>(&address_);
            address->sin_family = AF_INET;
            address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            length_ = sizeof(sockaddr_in);
        } else {
            fd_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
            address_.ss_family = AF_UNIX;
            length_ = sizeof(sa_family_t);  // Kernel: it then chooses an abstract name.
        }
        REQUIRE(::bind(fd(), address(), length_) == 0);
        length_ = sizeof address_;
        REQUIRE(::getsockname(fd(), reinterpret_cast<sockaddr*>(&address_), &length_) == 0);
        REQUIRE(::listen(fd(), backlog) == 0);
    }

    int fd() const { return fd_.get(); }
    const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&address_); }
    socklen_t length() const { return length_; }
    UniqueFd socket() const {
        return UniqueFd(
            ::socket(family_ == Family::tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    }
    UniqueFd client() const {
        UniqueFd fd = socket();
        REQUIRE(::connect(fd.get(), address(), length()) == 0);
        return fd;
    }
    UniqueFd accept() const { return UniqueFd(::accept4(fd(), nullptr, nullptr, SOCK_CLOEXEC)); }
    void shut_down() const { REQUIRE(::shutdown(fd(), SHUT_RDWR) == 0); }
    void close() { fd_.reset(); }

    /// Connects until the backlog is full; AF_UNIX.
    std::vector<UniqueFd> fill_backlog() const {
        std::vector<UniqueFd> clients;
        for (;;) {
            UniqueFd fd = socket();
            set_non_blocking(fd.get(), true);
            if (::connect(fd.get(), address(), length()) != 0) {
                REQUIRE(errno == EAGAIN);
                return clients;
            }
            clients.push_back(std::move(fd));
        }
    }

private:
    Family family_;
    UniqueFd fd_;
    sockaddr_storage address_{};
    socklen_t length_ = 0;
};

/// Runs `body(driver, ends)` for a connection of each family, on each kernel.
template <class Body>
void for_each_pair(std::string_view title, Body body) {
    for (const Family family : {Family::tcp, Family::local}) {
        const std::string name = std::string(title) + (family == Family::tcp ? ", tcp" : ", unix");
        for_each_kernel(name, [&](const KernelUnderTest& kernel) {
            Ends ends = Ends::sockets(family);
            Driver driver(kernel);
            body(driver, ends);
            driver.finish();
        });
    }
}

}  // namespace ringio::testing

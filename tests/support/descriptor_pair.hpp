// Descriptors that are connected with each other: pairs of sockets and pipes, written to and read
// without waiting.
#pragma once

#include <ringio/base/unique_fd.hpp>
#include <support/catch.hpp>
#include <support/raw_socket.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

}  // namespace ringio::testing

// Descriptors for the suites of kernels, beside pairs that are connected: listeners, small buffers.
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
#include <support/descriptor_pair.hpp>

#include "kernel_contract.hpp"

namespace ringio::testing {

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

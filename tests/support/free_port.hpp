// Ports for programs that must be told theirs.
#pragma once

#include <ringio/base/unique_fd.hpp>
#include <support/raw_socket.hpp>

#include <fmt/core.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>

namespace ringio::test_support {

/// Ports of 127.0.0.1 that are this process's alone. A port that bind(2) chose and that was let go
/// is anybody's: the system gives it to the next connection. These are below those that it gives
/// (32768 and up, unless it was told otherwise), and other tests keep away: each process has a
/// range, whose number is the name of a socket that it holds.
class OwnPorts {
public:
    OwnPorts() {
        for (int range = 0; range < range_count; ++range) {
            if (hold(range)) {
                first_ = first_of_all + range * range_size;
                return;
            }
        }
        throw std::runtime_error("no range of ports is free for this test");
    }

    /// The next one at which nobody listens.
    std::uint16_t next() {
        for (int tries = 0; tries < range_size; ++tries) {
            const auto port = static_cast<std::uint16_t>(first_ + next_++ % range_size);
            if (is_free(port)) {
                return port;
            }
        }
        throw std::runtime_error("no port is free for this test");
    }

private:
    static constexpr int first_of_all = 10'000;
    static constexpr int range_size = 100;
    static constexpr int range_count = 200;

    bool hold(int range) {
        const std::string name = fmt::format("ringio test ports {}", range);
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path + 1, name.data(), name.size());  // abstract: ends with us
        const auto size = offsetof(sockaddr_un, sun_path) + 1 + name.size();
        held_ = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        return ::bind(held_.get(), reinterpret_cast<const sockaddr*>(&address),
                      static_cast<socklen_t>(size)) == 0;
    }

    static bool is_free(std::uint16_t port) {
        const RawSocket probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_in address = RawSocket::loopback(port);
        return ::bind(probe.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
               0;
    }

    UniqueFd held_;
    int first_ = 0;
    int next_ = 0;
};

/// Made before main(): what a test opens is counted.
inline OwnPorts own_ports;

/// A port at which nobody listens, for a program that this test starts.
inline std::string free_port() { return std::to_string(own_ports.next()); }

}  // namespace ringio::test_support

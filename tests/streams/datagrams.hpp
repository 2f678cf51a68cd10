// Plain datagram sockets, the peers of an endpoint under test; and endpoints over a pair of Unix
// sockets, whose kernel takes few datagrams that nobody reads.
#pragma once

#include <ringio/streams/datagram_endpoint.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

namespace ringio::test_support {

inline SocketAddress loopback(std::uint16_t port = 0) {
    return *SocketAddress::from_literal("127.0.0.1", port);
}

/// A socket for datagrams; what it waits for comes within seconds, or is an empty text.
class RawDatagrams {
public:
    explicit RawDatagrams(Socket socket) : socket_(std::move(socket)) {
        const timeval patience = {.tv_sec = 5, .tv_usec = 0};
        socket_.setsockopt(SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    }
    static RawDatagrams bound(const SocketAddress& address = loopback()) {
        Socket socket = Socket::datagram(address.family());
        socket.bind(address);
        return RawDatagrams(std::move(socket));
    }

    SocketAddress address() const { return socket_.getsockname(); }
    void sendto(std::string_view data, const SocketAddress& to) const {
        REQUIRE(::sendto(socket_.fd(), data.data(), data.size(), 0, to.data(), to.size()) ==
                static_cast<ssize_t>(data.size()));
    }
    std::string receive(int flags = 0) const {
        std::string data(65536, '\0');
        const ssize_t size = ::recv(socket_.fd(), data.data(), data.size(), flags);
        data.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return data;
    }
    bool is_empty() const {
        char byte = 0;
        return ::recv(socket_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
    }
    void close() { socket_.close(); }

private:
    Socket socket_;
};

/// Two connected Unix sockets.
inline std::pair<UniqueFd, UniqueFd> datagram_pair(int type = SOCK_DGRAM) {
    int fds[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) == 0);
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

/// An endpoint at one end of a pair, and the plain socket at the other.
struct PairedEndpoint {
    PairedEndpoint(DatagramEndpoint made, UniqueFd other)
        : endpoint(std::move(made)), peer(Socket(std::move(other))) {}

    /// Takes what the kernel has, and checks that the numbers follow `next`.
    void take(int& next) const {
        while (!peer.is_empty()) {
            CHECK(peer.receive() == std::to_string(next));
            ++next;
        }
    }

    DatagramEndpoint endpoint;
    RawDatagrams peer;
};

inline Task<PairedEndpoint> paired_endpoint() {
    auto [near, far] = datagram_pair();
    DatagramEndpoint endpoint = co_await create_datagram_endpoint({.sock = std::move(near)});
    co_return PairedEndpoint(std::move(endpoint), std::move(far));
}

/// Sends numbers, as texts, until one waits in the endpoint because the kernel has no room; gives
/// how many it sent.
inline Task<int> send_until_full(DatagramEndpoint endpoint) {
    int count = 0;
    while (endpoint.get_write_buffer_size() == 0) {
        endpoint.send(std::to_string(count++));
        if (endpoint.get_write_buffer_size() != 0) {
            co_await turns(3);  // it may have been the budget of the turn
        }
    }
    co_return count;
}

inline Task<std::string> received(DatagramEndpoint endpoint) {
    const Datagram datagram = co_await endpoint.recv();
    co_return datagram.data;
}

}  // namespace ringio::test_support

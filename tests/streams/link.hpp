// A connection of the library whose other end is a plain socket in the test's hands.
#pragma once

#include <ringio/streams.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>
#include <support/raw_socket.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

namespace ringio::test_support {

/// More than the kernel's buffers take.
inline constexpr std::size_t much = 4 << 20;

struct Link {
    Link(Connection connection, RawSocket raw, std::uint16_t listening_port)
        : reader(connection.reader),
          writer(connection.writer),
          peer(std::move(raw)),
          port(listening_port) {}

    /// "127.0.0.1:4711", as errors name the peer.
    std::string name() const { return "127.0.0.1:" + std::to_string(port); }

    StreamReader reader;
    StreamWriter writer;
    RawSocket peer;
    std::uint16_t port;
};

inline Task<Link> make_link(std::size_t limit = default_stream_limit) {
    const RawSocket listener = RawSocket::listening();
    const std::uint16_t port = listener.port();
    Connection connection = co_await open_connection("127.0.0.1", port, {.limit = limit});
    co_return Link(std::move(connection), listener.accept(), port);
}

/// As make_link(), over buffers of the kernel that are soon full.
inline Task<Link> make_narrow_link() {
    const RawSocket listener = RawSocket::listening();
    listener.set_buffer(SO_RCVBUF, 4096);
    const std::uint16_t port = listener.port();
    Connection connection = co_await open_connection("127.0.0.1", port);
    co_return Link(std::move(connection), listener.accept(), port);
}

/// Takes what comes, without blocking the loop, until it ends; gives the number of bytes.
inline Task<std::size_t> swallow(const RawSocket& peer) {
    std::size_t total = 0;
    while (!peer.ended()) {
        const std::size_t size = peer.receive_now(1 << 20).size();
        total += size;
        co_await sleep(size > 0 ? Delay() : Delay(std::chrono::milliseconds(1)));
    }
    co_return total;
}

}  // namespace ringio::test_support

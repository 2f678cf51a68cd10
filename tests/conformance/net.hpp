// What the scenarios of connections share: one end is ringio's, the other a plain socket. net.py
// has the same words.
#pragma once

#include <ringio/streams.hpp>
#include <ringio/tasks.hpp>
#include <support/raw_socket.hpp>
#include "scenario.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace ringio::conformance {

using test_support::RawSocket;

/// The other end of a connection.
class Peer {
public:
    explicit Peer(RawSocket socket) : socket_(std::move(socket)) {}

    const RawSocket& socket() const { return socket_; }
    void send(std::string_view data) const { socket_.send(data); }
    /// Ends what it sends; it may go on receiving.
    void end() const { socket_.shutdown_write(); }
    void reset() { socket_.reset(); }
    void close() { socket_.close(); }

    /// Takes so many bytes, or all to the end.
    Task<std::string> take(std::size_t size = std::size_t{1} << 30) const {
        std::string data;
        while (data.size() < size && !socket_.ended()) {
            const std::string part =
                socket_.receive_now(std::min(size - data.size(), std::size_t{1} << 16));
            data += part;
            if (part.empty()) {
                co_await sleep(0s);
            }
        }
        co_return data;
    }

private:
    RawSocket socket_;
};

/// A connection, and its other end.
struct Link {
    Link(Connection connection, RawSocket socket)
        : reader(connection.reader), writer(connection.writer), peer(std::move(socket)) {}

    StreamReader reader;
    StreamWriter writer;
    Peer peer;
};

/// Makes a link; `buffer`: how much the kernel keeps for the peer.
inline Task<Link> connect(std::size_t limit = default_stream_limit, int buffer = 0) {
    const RawSocket listener = RawSocket::listening();
    if (buffer != 0) {
        listener.set_buffer(SO_RCVBUF, buffer);
    }
    Connection connection =
        co_await open_connection("127.0.0.1", listener.port(), {.limit = limit});
    co_return Link(std::move(connection), listener.accept());
}

inline std::uint16_t port_of(const Server& server) {
    return server.sockets()[0].getsockname().port();
}

/// A plain socket that is connected to a server.
inline Peer client(const Server& server) { return Peer(RawSocket::connected(port_of(server))); }

/// A reader and a writer that are connected to a server.
inline Task<Connection> connected(Server server) {
    co_return co_await open_connection("127.0.0.1", port_of(server));
}

/// What a read gave, in brackets, or the error.
template <class A>
Task<std::string> got(A awaitable) {
    const std::string outcome = co_await ended(std::move(awaitable));
    co_return "[" + outcome + "]";
}

/// Lets what is on its way arrive.
inline Task<> arrival() { return turns(10); }

}  // namespace ringio::conformance

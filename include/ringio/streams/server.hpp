// Server: the sockets that listen, and the connections that came of them.
#pragma once

#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/task.hpp>
#include <ringio/io/socket.hpp>

#include <vector>

namespace ringio {
namespace detail {

class ServerState;
void intrusive_add_ref(ServerState* state) noexcept;
void intrusive_release(ServerState* state) noexcept;

}  // namespace detail

/// A listening server; asyncio.Server. A handle: copies refer to the same server, which goes on
/// when the last handle is dropped, until the loop closes.
class Server {
public:
    explicit Server(IntrusivePtr<detail::ServerState> state) noexcept;
    Server(const Server&) noexcept;
    Server(Server&&) noexcept;
    Server& operator=(const Server&) noexcept;
    Server& operator=(Server&&) noexcept;
    ~Server();

    /// The listening sockets; none once it is closed.
    const std::vector<Socket>& sockets() const noexcept;
    bool is_serving() const noexcept;
    EventLoop& get_loop() const;

    /// Begins to accept; idempotent. *Errors*: std::runtime_error when it is closed.
    void start_serving();

    /// Accepts until it is closed or cancelled, waits until every connection is closed, and throws
    /// CancelledError. *Errors*: std::runtime_error when it is being served, or closed, already.
    /// *Cancellation*: closes the server and its connections, what is buffered is sent first; when
    /// it is cancelled again it ends at once. *Python*: does not close the connections.
    Task<> serve_forever();

    /// Stops to listen. Connections stay open, under serve_forever() too. Idempotent.
    void close() noexcept;

    /// Waits until the server is closed and every connection of it as well. Not for the handlers,
    /// as in asyncio: one whose connection has just closed has still to hear of it.
    Task<> wait_closed();

    /// Closes every connection; what is buffered is sent first.
    void close_clients() noexcept;

    /// Closes every connection at once; what is buffered is lost.
    void abort_clients() noexcept;

private:
    IntrusivePtr<detail::ServerState> state_;
};

}  // namespace ringio

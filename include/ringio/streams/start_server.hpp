// start_server: a TCP server whose every connection is a coroutine.
#pragma once

#include <ringio/base/unique_function.hpp>
#include <ringio/core/callable.hpp>
#include <ringio/core/task.hpp>
#include <ringio/io/given_socket.hpp>
#include <ringio/streams/hosts.hpp>
#include <ringio/streams/server.hpp>
#include <ringio/streams/stream_reader.hpp>
#include <ringio/streams/stream_writer.hpp>

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

namespace ringio {

struct ServerOptions {
    std::size_t limit = default_stream_limit;  ///< of each reader's buffer, in bytes
    int family = 0;                            ///< AF_INET, AF_INET6; 0: either
    GivenSocket sock = {};                     ///< a bound socket, in place of hosts and port
    int backlog = 100;                         ///< connections that wait to be accepted
    bool reuse_port = false;                   ///< SO_REUSEPORT: several servers on one port
    bool start_serving = true;                 ///< else Server::start_serving() begins

    /// A TlsContext: each connection shakes hands before its handler is called. One that fails to
    /// is closed, and told of in debug mode only.
    TlsOption tls = {};
    std::optional<Delay> ssl_handshake_timeout = {};  ///< none: 60 s
    std::optional<Delay> ssl_shutdown_timeout = {};   ///< of close(), for the peer; none: 30 s
};

namespace detail {

/// Starts to handle one connection: gives the coroutine, or none when it is done already.
using ConnectionHandler = UniqueFunction<Task<>(StreamReader, StreamWriter)>;

Task<Server> start_server(ConnectionHandler handler, Hosts hosts, long port,
                          const ServerOptions& options);
Task<Server> start_server(ConnectionHandler handler, const ServerOptions& options);

/// Runs a handler that may take its arguments by reference: they live here.
template <class Handler>
Task<> handle_connection(Handler& handler, StreamReader reader, StreamWriter writer) {
    co_await handler(reader, writer);
}

template <class Handler>
ConnectionHandler erase_handler(Handler handler) {
    static_assert(std::is_invocable_v<Handler&, StreamReader&, StreamWriter&>,
                  "ringio: the handler of start_server() takes a StreamReader and a StreamWriter");
    if (is_null_callable(handler)) {
        return {};  // start_server() refuses it
    }
    return [handler = std::move(handler)](StreamReader reader, StreamWriter writer) mutable {
        if constexpr (std::is_void_v<
                          std::invoke_result_t<Handler&, StreamReader&, StreamWriter&>>) {
            handler(reader, writer);
            return Task<>();
        } else {
            return handle_connection(handler, std::move(reader), std::move(writer));
        }
    };
}

}  // namespace detail

/// Listens on `hosts` (a name or address, or several; empty: every interface) and `port` (0: a free
/// one for each address), and calls `handler(reader, writer)` for each connection: a coroutine
/// function, run as a task, or an ordinary one. It is copied. An exception of it is reported, and
/// its connection closed.
///
/// *Errors*: std::system_error that names the address; std::invalid_argument for a handler that is
/// null or empty, a port outside 0-65535, a limit of 0, a negative backlog, no host, or a socket
/// beside hosts and port. *Cancellation*: no
/// descriptor is left. Out of descriptors, the server says so once, and accepts again when there
/// are some.
template <class Handler>
Task<Server> start_server(Handler&& handler, Hosts hosts, long port,
                          const ServerOptions& options = {}) {
    detail::require_safe_callable<Handler>();
    return detail::start_server(detail::erase_handler<detail::Callable<Handler>>(
                                    detail::unwrap_callable(std::forward<Handler>(handler))),
                                std::move(hosts), port, options);
}

/// The same over a socket that is bound, and listens or will: `{.sock = std::move(fd)}`. It may be
/// a Unix one; it becomes close-on-exec and blocking.
///
/// *Errors*: std::invalid_argument when there is no socket in `options`, or it is no stream socket;
/// it stays the caller's then.
template <class Handler>
Task<Server> start_server(Handler&& handler, const ServerOptions& options) {
    detail::require_safe_callable<Handler>();
    return detail::start_server(detail::erase_handler<detail::Callable<Handler>>(
                                    detail::unwrap_callable(std::forward<Handler>(handler))),
                                options);
}

}  // namespace ringio

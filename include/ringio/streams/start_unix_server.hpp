// start_unix_server: a server on a Unix socket of this machine.
#pragma once

#include <ringio/streams/start_server.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace ringio {

struct UnixServerOptions {
    std::size_t limit = default_stream_limit;  ///< of each reader's buffer, in bytes
    GivenSocket sock = {};                     ///< a bound socket, in place of the path
    int backlog = 100;                         ///< connections that wait to be accepted
    bool cleanup_socket = true;                ///< the path is removed when the server is closed
    std::optional<unsigned> mode = {};         ///< of the path, 0600 for instance, less the umask
    bool start_serving = true;                 ///< else Server::start_serving() begins

    /// A TlsContext: each connection shakes hands before its handler is called. One that fails to
    /// is closed, and told of in debug mode only.
    TlsOption tls = {};
    std::optional<Delay> ssl_handshake_timeout = {};  ///< none: 60 s
    std::optional<Delay> ssl_shutdown_timeout = {};   ///< of close(), for the peer; none: 30 s
};

namespace detail {

Task<Server> start_unix_server(ConnectionHandler handler, std::string path,
                               const UnixServerOptions& options);
Task<Server> start_unix_server(ConnectionHandler handler, const UnixServerOptions& options);

}  // namespace detail

/// As start_server(), on the socket that is made at `path`; one that begins with a zero byte is an
/// abstract name, which is in no directory. A socket that a server left there is removed first;
/// what is no socket is not. When the server is closed the path is removed, unless another server
/// has put its own there meanwhile.
///
/// *Errors*: std::system_error that names the path; std::invalid_argument for a path that is empty
/// or longer than 107 bytes, and as start_server().
template <class Handler>
Task<Server> start_unix_server(Handler&& handler, std::string path,
                               const UnixServerOptions& options = {}) {
    detail::require_safe_callable<Handler>();
    return detail::start_unix_server(detail::erase_handler<detail::Callable<Handler>>(
                                         detail::unwrap_callable(std::forward<Handler>(handler))),
                                     std::move(path), options);
}

/// The same over a socket that is bound, and listens or will: `{.sock = std::move(fd)}`.
///
/// *Errors*: std::invalid_argument when there is none in `options`, or it is no Unix stream socket;
/// it stays the caller's then.
template <class Handler>
Task<Server> start_unix_server(Handler&& handler, const UnixServerOptions& options) {
    detail::require_safe_callable<Handler>();
    return detail::start_unix_server(detail::erase_handler<detail::Callable<Handler>>(
                                         detail::unwrap_callable(std::forward<Handler>(handler))),
                                     options);
}

}  // namespace ringio

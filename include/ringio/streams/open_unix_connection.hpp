// open_unix_connection: a connection to a Unix socket of this machine.
#pragma once

#include <ringio/core/task.hpp>
#include <ringio/io/given_socket.hpp>
#include <ringio/streams/open_connection.hpp>

#include <cstddef>
#include <string>

namespace ringio {

struct UnixConnectionOptions {
    std::size_t limit = default_stream_limit;  ///< of the reader's buffer, in bytes
    GivenSocket sock = {};                     ///< a connected socket, in place of the path

    TlsOption tls = {};                               ///< a TlsContext: the stream is secured by it
    std::string_view server_hostname = {};            ///< whom the peer must prove to be
    std::optional<Delay> ssl_handshake_timeout = {};  ///< none: 60 s
    std::optional<Delay> ssl_shutdown_timeout = {};   ///< of close(), for the peer; none: 30 s
};

/// Connects to the socket at `path`; one that begins with a zero byte is an abstract name. While
/// the server has no room for further connections it waits, and holds nothing but a timer.
///
/// *Errors*: std::system_error that names the path; std::invalid_argument for a path that is empty
/// or longer than 107 bytes, for a limit of 0, or for a socket as well.
/// *Cancellation*: no descriptor is left.
Task<Connection> open_unix_connection(std::string path, const UnixConnectionOptions& options = {});

/// Takes over a Unix socket that is connected: `open_unix_connection({.sock = std::move(fd)})`.
///
/// *Errors*: std::invalid_argument when there is none in `options`, it is no Unix stream socket, or
/// the limit is 0; it stays the caller's then.
Task<Connection> open_unix_connection(const UnixConnectionOptions& options);

}  // namespace ringio

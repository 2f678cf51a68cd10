// open_connection: a TCP connection as a reader and a writer.
#pragma once

#include <ringio/core/task.hpp>
#include <ringio/io/given_socket.hpp>
#include <ringio/streams/stream_reader.hpp>
#include <ringio/streams/stream_writer.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ringio {

/// The own address of a connection: `{.local_addr = {"127.0.0.1", 0}}`. An empty host is any, port
/// 0 is a free one. *Lifetime*: `host` must live until the function that takes it has been called.
struct LocalAddress {
    std::string_view host;
    long port = 0;
};

struct ConnectionOptions {
    std::size_t limit = default_stream_limit;  ///< of the reader's buffer, in bytes
    int family = 0;                            ///< AF_INET, AF_INET6; 0: either
    GivenSocket sock = {};                     ///< a connected socket, in place of host and port
    LocalAddress local_addr = {};              ///< to connect from

    /// Of the addresses of a host the next one is tried as soon as one fails, or after so long
    /// beside it (RFC 8305); none: only when it fails. *Python*: none by default.
    std::optional<std::chrono::milliseconds> happy_eyeballs_delay = std::chrono::milliseconds(250);

    TlsOption tls = {};                               ///< a TlsContext: the stream is secured by it
    std::string_view server_hostname = {};            ///< whom the peer must prove to be; the host
    std::optional<Delay> ssl_handshake_timeout = {};  ///< none: 60 s
    std::optional<Delay> ssl_shutdown_timeout = {};   ///< of close(), for the peer; none: 30 s
};

/// What open_connection() gives: `auto [reader, writer] = co_await open_connection(…)`.
struct Connection {
    Connection(StreamReader connection_reader, StreamWriter connection_writer)
        : reader(std::move(connection_reader)), writer(std::move(connection_writer)) {}

    StreamReader reader;
    StreamWriter writer;
};

/// Connects to a host, by name or literal. The first of its addresses that answers is taken; IPv6
/// and IPv4 are tried alternately.
///
/// *Errors*: std::system_error that names host and port: the one error, or, when several addresses
/// failed in different ways, one whose text has them all; std::invalid_argument for an empty host,
/// a port outside 0-65535, a limit of 0, or a socket beside host and port. With `.tls`, TlsError
/// and CertificateError of the handshake; std::system_error (ECONNABORTED) when it takes too long.
/// *Cancellation*: no descriptor is left.
Task<Connection> open_connection(std::string host, long port,
                                 const ConnectionOptions& options = {});

/// Takes over a socket that is connected: `open_connection({.sock = std::move(fd)})`. It may be a
/// Unix one; it becomes close-on-exec and blocking.
///
/// *Errors*: std::invalid_argument when there is no socket in `options`, it is no stream socket, or
/// the limit is 0; it stays the caller's then. std::system_error when it is no socket at all.
Task<Connection> open_connection(const ConnectionOptions& options);

}  // namespace ringio

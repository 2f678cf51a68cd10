// open_connection: a TCP connection as a reader and a writer.
#pragma once

#include <ringio/core/task.hpp>
#include <ringio/streams/stream_reader.hpp>
#include <ringio/streams/stream_writer.hpp>

#include <cstddef>
#include <string>

namespace ringio {

struct ConnectionOptions {
    std::size_t limit = default_stream_limit;  ///< of the reader's buffer, in bytes
};

/// What open_connection() gives: `auto [reader, writer] = co_await open_connection(…)`.
struct Connection {
    Connection(StreamReader connection_reader, StreamWriter connection_writer)
        : reader(std::move(connection_reader)), writer(std::move(connection_writer)) {}

    StreamReader reader;
    StreamWriter writer;
};

/// Connects to a host, by name or literal; its addresses are tried one after the other.
///
/// *Errors*: std::system_error that names host and port: the one error, or, when several addresses
/// failed in different ways, one whose text has them all; std::invalid_argument for an empty host
/// or a port outside 0-65535, or a limit of 0. *Cancellation*: no descriptor is left.
Task<Connection> open_connection(std::string host, long port,
                                 const ConnectionOptions& options = {});

}  // namespace ringio

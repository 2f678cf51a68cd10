// memory_stream_pair: a connection without a network, for tests of protocols.
//
//     auto [client, server] = testing::memory_stream_pair();
//     create_task(serve(server.reader, server.writer));
//     client.writer.write("hello\n");
//     CHECK(co_await client.reader.readline() == "HELLO\n");
#pragma once

#include <ringio/streams/open_connection.hpp>

#include <cstddef>
#include <utility>

namespace ringio::testing {

/// Makes two ends of a connection in memory: what the one writes the other reads. Each is a stream
/// as over a socket, with limits and water marks, half-close, close and abort. What is written is
/// there for the peer at drain(), or at the end of the turn; it takes no kernel and no time, so a
/// clock that is virtual may jump.
///
/// The peer of an end that is closed reads its end; writing to it is EPIPE. The addresses are
/// unknown: getpeername() throws.
/// *Errors*: std::runtime_error when no loop runs; std::invalid_argument for a limit of 0.
std::pair<Connection, Connection> memory_stream_pair(std::size_t limit = default_stream_limit);

}  // namespace ringio::testing

// start_server: a TCP server whose every connection is a coroutine.
#pragma once

#include <ringio/base/unique_function.hpp>
#include <ringio/core/callable.hpp>
#include <ringio/core/task.hpp>
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
    int backlog = 100;                         ///< connections that wait to be accepted
    bool reuse_port = false;                   ///< SO_REUSEPORT: several servers on one port
    bool start_serving = true;                 ///< else Server::start_serving() begins
};

namespace detail {

/// Starts to handle one connection: gives the coroutine, or none when it is done already.
using ConnectionHandler = UniqueFunction<Task<>(StreamReader, StreamWriter)>;

Task<Server> start_server(ConnectionHandler handler, std::string host, long port,
                          ServerOptions options);

/// Runs a handler that may take its arguments by reference: they live here.
template <class Handler>
Task<> handle_connection(Handler& handler, StreamReader reader, StreamWriter writer) {
    co_await handler(reader, writer);
}

template <class Handler>
ConnectionHandler erase_handler(Handler handler) {
    static_assert(std::is_invocable_v<Handler&, StreamReader&, StreamWriter&>,
                  "ringio: the handler of start_server() takes a StreamReader and a StreamWriter");
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

/// Listens on `host` (a name or address; empty: every interface) and `port` (0: a free one), and
/// calls `handler(reader, writer)` for each connection: a coroutine function, run as a task, or an
/// ordinary one. It is copied. An exception of it is reported, and its connection closed.
///
/// *Errors*: std::system_error that names the address; std::invalid_argument for a port outside
/// 0-65535, a limit of 0 or a negative backlog. *Cancellation*: no descriptor is left.
/// Out of descriptors, the server says so once, and accepts again when there are some.
template <class Handler>
Task<Server> start_server(Handler&& handler, std::string host, long port,
                          const ServerOptions& options = {}) {
    detail::require_safe_callable<Handler>();
    return detail::start_server(detail::erase_handler<detail::Callable<Handler>>(
                                    detail::unwrap_callable(std::forward<Handler>(handler))),
                                std::move(host), port, options);
}

}  // namespace ringio

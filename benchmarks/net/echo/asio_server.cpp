// The echo server as an expert of Asio writes it: C++20 coroutines on Asio's default backend
// (epoll), with what Asio offers to a program of one thread: the concrete executor instead of the
// type-erased one, and an io_context that takes no lock.
#include "server.h"

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>

#include <cstddef>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using Executor = asio::io_context::executor_type;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
template <typename T>
using Awaitable = asio::awaitable<T, Executor>;

// Errors as values: end of stream is no exception.
constexpr auto as_value = asio::experimental::as_tuple(asio::use_awaitable_t<Executor>());

Awaitable<void> echo(Socket socket, std::size_t size) {
    std::vector<char> buffer(size);
    for (;;) {
        auto [failure, length] = co_await socket.async_read_some(asio::buffer(buffer), as_value);
        if (failure) {
            co_return;  // end of stream, or the peer is gone: the socket closes itself
        }
        auto [lost, sent] =
            co_await asio::async_write(socket, asio::buffer(buffer, length), as_value);
        if (lost) {
            co_return;
        }
    }
}

Awaitable<void> serve(Acceptor acceptor, std::size_t size) {
    for (;;) {
        auto [failure, socket] = co_await acceptor.async_accept(as_value);
        if (failure) {
            continue;
        }
        socket.set_option(asio::ip::tcp::no_delay(true));
        asio::co_spawn(acceptor.get_executor(), echo(std::move(socket), size), asio::detached);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const server_options options = read_options(argc, argv);
    allow_descriptors();
    asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
    const auto port = static_cast<unsigned short>(options.port);
    Acceptor acceptor(context, {asio::ip::address_v4::loopback(), port});
    acceptor.listen(server_backlog);
    say_listening(acceptor.local_endpoint().port());
    asio::co_spawn(context, serve(std::move(acceptor), options.size), asio::detached);
    context.run();
}

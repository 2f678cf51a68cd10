// An echo server, and three clients at once that each send a line and wait for its echo.
#include <asio.hpp>
#include <asio/experimental/deferred.hpp>
#include <asio/experimental/parallel_group.hpp>

#include <cstddef>
#include <cstdio>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using asio::ip::tcp;

asio::awaitable<void> echo(tcp::socket socket) {
    std::vector<char> buffer(65536);
    try {
        for (;;) {
            const std::size_t length =
                co_await socket.async_read_some(asio::buffer(buffer), asio::use_awaitable);
            co_await asio::async_write(socket, asio::buffer(buffer, length), asio::use_awaitable);
        }
    } catch (const std::system_error&) {
        // End of stream, or the peer is gone: the socket closes itself.
    }
}

asio::awaitable<void> serve(tcp::acceptor& acceptor) {
    try {
        for (;;) {
            tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
            asio::co_spawn(acceptor.get_executor(), echo(std::move(socket)), asio::detached);
        }
    } catch (const std::system_error&) {
        // Closed.
    }
}

asio::awaitable<std::string> ask(unsigned short port, std::string text) {
    tcp::socket socket(co_await asio::this_coro::executor);
    co_await socket.async_connect({asio::ip::address_v4::loopback(), port}, asio::use_awaitable);
    co_await asio::async_write(socket, asio::buffer(text + "\n"), asio::use_awaitable);
    std::string answer;
    co_await asio::async_read_until(socket, asio::dynamic_buffer(answer), '\n',
                                    asio::use_awaitable);
    co_return answer;
}

asio::awaitable<void> work() {
    const auto executor = co_await asio::this_coro::executor;
    tcp::acceptor acceptor(executor, {asio::ip::address_v4::loopback(), 0});
    const unsigned short port = acceptor.local_endpoint().port();
    asio::co_spawn(executor, serve(acceptor), asio::detached);
    const auto start = [&](const char* text) {
        return asio::co_spawn(executor, ask(port, text), asio::experimental::deferred);
    };
    const auto [order, error1, one, error2, two, error3, three] =
        co_await asio::experimental::make_parallel_group(start("one"), start("two"), start("three"))
            .async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
    for (const std::string* answer : {&one, &two, &three}) {
        std::fputs(answer->c_str(), stdout);
    }
    acceptor.close();
    co_await asio::post(executor, asio::use_awaitable);
}

int main() {
    asio::io_context context(1);
    asio::co_spawn(context, work(), asio::detached);
    context.run();
}

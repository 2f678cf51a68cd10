// The same echo server as a user of Asio writes it today: C++20 coroutines on one thread, with
// Asio's default backend (epoll).
#include <asio.hpp>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

namespace {

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

asio::awaitable<void> serve(tcp::acceptor acceptor) {
    for (;;) {
        tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
        socket.set_option(tcp::no_delay(true));
        asio::co_spawn(acceptor.get_executor(), echo(std::move(socket)), asio::detached);
    }
}

}  // namespace

int main(int argc, char** argv) {
    unsigned short port = 0;
    if (argc == 3 && std::strcmp(argv[1], "--port") == 0) {
        port = static_cast<unsigned short>(std::atoi(argv[2]));
    }
    asio::io_context context(1);
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), port});
    acceptor.listen(4096);
    std::printf("listening %d\n", static_cast<int>(acceptor.local_endpoint().port()));
    std::fflush(stdout);
    asio::co_spawn(context, serve(std::move(acceptor)), asio::detached);
    context.run();
}

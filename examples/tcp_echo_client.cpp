// A TCP echo client: tcp_echo_client [message] [port].
// Python: reader, writer = await asyncio.open_connection("127.0.0.1", 8888).
#include <fmt/core.h>
#include <ringio.hpp>
#include <ringio/main.hpp>

#include <cstdlib>

ringio::Task<> tcp_echo_client(std::string message, long port) {
    auto [reader, writer] = co_await ringio::open_connection("127.0.0.1", port);

    fmt::print("Send: '{}'\n", message);
    writer.write(message);
    writer.write_eof();
    co_await writer.drain();

    auto data = co_await reader.read();
    fmt::print("Received: '{}'\n", data);

    fmt::print("Close the connection\n");
    writer.close();
    co_await writer.wait_closed();
}

ringio::Task<int> co_main(int argc, char** argv) {
    co_await tcp_echo_client(argc > 1 ? argv[1] : "Hello World!",
                             argc > 2 ? std::atol(argv[2]) : 8888);
    co_return 0;
}

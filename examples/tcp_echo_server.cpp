// A TCP echo server: tcp_echo_server [port]. Ctrl-C ends it.
// Python: server = await asyncio.start_server(handle_echo, "127.0.0.1", 8888), serve_forever().
// [tcp_echo_server]
#include <fmt/core.h>
#include <ringio.hpp>
#include <ringio/main.hpp>

#include <cstdio>
#include <cstdlib>

ringio::Task<> handle_echo(ringio::StreamReader reader, ringio::StreamWriter writer) {
    for (;;) {
        auto data = co_await reader.read(64 * 1024);
        if (data.empty()) {
            break;
        }
        writer.write(data);
        co_await writer.drain();
    }
    writer.close();
    co_await writer.wait_closed();
}

ringio::Task<int> co_main(int argc, char** argv) {
    const long port = argc > 1 ? std::atol(argv[1]) : 8888;
    auto server = co_await ringio::start_server(handle_echo, "127.0.0.1", port);
    fmt::print("Serving on {}\n", server.sockets()[0].getsockname().to_string());
    std::fflush(stdout);
    co_await server.serve_forever();
    co_return 0;
}
// [/tcp_echo_server]

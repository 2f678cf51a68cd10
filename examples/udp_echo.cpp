// Datagrams: a server that answers whoever asks, and a client that knows only the server.
#include <fmt/core.h>
#include <ringio.hpp>

#include <string>
#include <system_error>
#include <vector>

namespace {

// [server]
ringio::Task<> echo(ringio::DatagramEndpoint server) {
    for (;;) {
        const ringio::Datagram request = co_await server.recv();
        server.sendto("echo of " + request.data, request.from);
        co_await server.drain();
    }
}
// [/server]

ringio::Task<> main_coroutine() {
    // [bind]
    const auto address = ringio::SocketAddress::from_literal("127.0.0.1", 0);
    auto server = co_await ringio::create_datagram_endpoint({.local = *address});
    auto serving = ringio::create_task(echo(server));
    // [/bind]

    // [client]
    auto client = co_await ringio::create_datagram_endpoint({.remote = server.getsockname()});
    client.send("hello");
    const ringio::Datagram answer = co_await client.recv();
    fmt::print("{}, from the server: {}\n", answer.data, answer.from == server.getsockname());
    // [/client]

    client.send("");
    const ringio::Datagram empty = co_await client.recv();
    fmt::print("'{}'\n", empty.data);

    // [close]
    client.close();  // what waits to be sent is sent first
    co_await client.wait_closed();
    // [/close]

    // [refused]
    serving.cancel();
    const std::vector ended = {serving};
    co_await ringio::wait(ended);
    server.close();
    co_await server.wait_closed();
    auto late = co_await ringio::create_datagram_endpoint({.remote = server.getsockname()});
    late.send("anybody?");
    try {
        co_await late.recv();
    } catch (const std::system_error& error) {
        fmt::print("{}\n", error.code().message());
    }
    // [/refused]
}

}  // namespace

int main() { ringio::run(main_coroutine()); }

// An echo server on the operations below the streams: it looks at the bytes where the kernel put
// them, and sends them from there.
#include <ringio.hpp>

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

// [echo]
ringio::Task<> echo(ringio::SocketReceiver receiver) {
    for (;;) {
        const ringio::Received received = co_await receiver.next();
        if (received.empty()) {
            break;  // the peer has said all
        }
        std::string_view rest = received.data();
        while (!rest.empty()) {
            const int sent = co_await receiver.socket().send(rest);
            rest.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
}
// [/echo]

ringio::Task<> serve_one(const ringio::Socket& listener) {
    ringio::Socket connection(co_await listener.accept());
    co_await echo(ringio::SocketReceiver(std::move(connection)));
}

ringio::Task<> main_coroutine() {
    const auto address = ringio::SocketAddress::from_literal("127.0.0.1", 0).value();
    const ringio::Socket listener = ringio::Socket::listening(address, 16, false);
    auto server = ringio::create_task(serve_one(listener));

    auto [reader, writer] =
        co_await ringio::open_connection("127.0.0.1", listener.getsockname().port());
    writer.write("hello, ");
    writer.write("world\n");
    writer.write_eof();
    const std::string echoed = co_await reader.read();
    fmt::print("{}", echoed);
    writer.close();
    co_await server;
}

int main() { ringio::run(main_coroutine()); }

// The echo server on ringio's operations: a task per connection, a Socket and a buffer.
#include "server.h"

#include <ringio.hpp>

#include <cstddef>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using ringio::Socket;
using ringio::Task;

Task<> echo(Socket socket, std::size_t size) {
    std::vector<char> buffer(size);
    try {
        for (;;) {
            const int received = co_await socket.recv(buffer);
            if (received == 0) {
                break;
            }
            std::string_view rest(buffer.data(), static_cast<std::size_t>(received));
            while (!rest.empty()) {
                const int sent = co_await socket.send(rest);
                rest.remove_prefix(static_cast<std::size_t>(sent));
            }
        }
    } catch (const std::system_error&) {
        // The peer is gone.
    }
}

Task<> serve(server_options options) {
    const auto port = static_cast<std::uint16_t>(options.port);
    const auto address = ringio::SocketAddress::from_literal("127.0.0.1", port).value();
    const Socket listener = Socket::listening(address, server_backlog, false);
    say_listening(listener.getsockname().port());
    for (;;) {
        Socket socket(co_await listener.accept());
        socket.set_no_delay();
        ringio::create_task(echo(std::move(socket), options.size));
    }
}

}  // namespace

int main(int argc, char** argv) {
    const server_options options = read_options(argc, argv);
    allow_descriptors();
    ringio::run(serve(options));
}

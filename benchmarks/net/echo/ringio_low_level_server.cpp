// The echo server on ringio's operations: a task per connection, which looks at what came where the
// kernel put it, and sends it from there. With --patience each wait has a time limit.
#include "server.h"

#include <ringio.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace {

using ringio::Socket;
using ringio::SocketReceiver;
using ringio::Task;

std::chrono::seconds patience{};

template <bool limited>
auto next(const SocketReceiver& receiver) {
    if constexpr (limited) {
        return ringio::wait_for(receiver.next(), patience);
    } else {
        return receiver.next();
    }
}

template <bool limited>
Task<> echo(SocketReceiver receiver) {
    try {
        for (;;) {
            const ringio::Received received = co_await next<limited>(receiver);
            if (received.empty()) {
                break;
            }
            std::string_view rest = received.data();
            while (!rest.empty()) {
                const int sent = co_await receiver.socket().send(rest);
                rest.remove_prefix(static_cast<std::size_t>(sent));
            }
        }
    } catch (const std::system_error&) {
        // The peer is gone.
    } catch (const ringio::TimeoutError&) {
        // The peer has nothing to say.
    }
}

Task<> serve(std::uint16_t port, std::string path) {
    const auto address = path.empty()
                             ? ringio::SocketAddress::from_literal("127.0.0.1", port).value()
                             : ringio::SocketAddress::unix_path(path);
    const Socket listener = Socket::listening(address, server_backlog, false);
    if (path.empty()) {
        say_listening(listener.getsockname().port());
    } else {
        say_listening_at(path.c_str());
    }
    for (;;) {
        Socket socket(co_await listener.accept());
        socket.set_no_delay();  // of no effect on a Unix socket
        SocketReceiver receiver(std::move(socket));
        ringio::create_task(patience.count() > 0 ? echo<true>(std::move(receiver))
                                                 : echo<false>(std::move(receiver)));
    }
}

}  // namespace

int main(int argc, char** argv) {
    const server_options options = read_options(argc, argv);
    allow_descriptors();
    patience = std::chrono::seconds(options.patience);
    ringio::RunOptions run_options;
    if (options.together >= 0) {
        run_options.loop.send_together = options.together == 1;
    }
    ringio::run(serve(static_cast<std::uint16_t>(options.port),
                      options.path != nullptr ? options.path : ""),
                run_options);
}

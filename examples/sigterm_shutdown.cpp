// A service that ends in order on SIGTERM and Ctrl-C: nobody else is accepted, who is connected is
// answered, and the program ends well. It sends itself the signal, in the middle of a request.
#include <fmt/core.h>
#include <ringio.hpp>

#include <unistd.h>

#include <csignal>

using namespace std::chrono_literals;

ringio::Task<> answer(ringio::StreamReader reader, ringio::StreamWriter writer) {
    for (;;) {
        const std::string request = co_await reader.readline();
        if (request.empty()) {
            break;
        }
        co_await ringio::sleep(20ms);  // the work
        writer.write("answer to " + request);
        co_await writer.drain();
    }
    writer.close();
}

ringio::Task<> client(int port) {
    auto [reader, writer] = co_await ringio::open_connection("127.0.0.1", port);
    writer.write("the first request\n");
    const std::string first = co_await reader.readline();
    fmt::print("{}", first);
    writer.write("the second request\n");
    kill(getpid(), SIGTERM);  // as `kill` and service managers do
    const std::string second = co_await reader.readline();
    fmt::print("{}", second);
}

// [cancel_on]
ringio::Task<int> serve() {
    auto server = co_await ringio::start_server(answer, "127.0.0.1", 0);
    auto visitor = ringio::create_task(client(server.sockets()[0].getsockname().port()));
    try {
        ringio::Event never;
        co_await never.wait();
    } catch (const ringio::CancelledError& error) {
        fmt::print("{}: nobody else is accepted\n", error.message());
        ringio::current_task().uncancel();  // the rest is ours to decide
    }
    server.close();
    co_await visitor;
    co_await server.wait_closed();
    fmt::print("all connections are closed\n");
    co_return 0;
}

int main() { return ringio::run(serve(), {.cancel_on = {SIGINT, SIGTERM}}); }
// [/cancel_on]

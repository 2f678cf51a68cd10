// A server that ends in three steps: it accepts no more and lets the requests finish; then it
// closes the connections that are idle; then it drops those whose peer does not read.
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

bool stopping = false;
int requests = 0;

// [handler]
ringio::Task<> answer(ringio::StreamReader reader, ringio::StreamWriter writer) {
    while (!stopping) {  // the request at hand is answered, another one is not taken
        const std::string request = co_await reader.readline();
        if (request.empty()) {
            break;
        }
        ++requests;
        co_await ringio::sleep(20ms);  // the work
        writer.write(request == "much\n" ? std::string(16 << 20, 'x') : "answer to " + request);
        co_await writer.drain();
    }
    writer.close();
}
// [/handler]

// [server_shutdown]
ringio::Task<bool> ends_within(ringio::Server server, std::chrono::milliseconds patience) {
    try {
        co_await ringio::wait_for(server.wait_closed(), patience);
    } catch (const ringio::TimeoutError&) {
        co_return false;
    }
    co_return true;
}

ringio::Task<> shut_down(ringio::Server server) {
    stopping = true;
    server.close();  // nobody else is accepted; the connections stay
    bool ended = co_await ends_within(server, 200ms);
    if (!ended) {
        fmt::print("some connections are idle\n");
        server.close_clients();  // their readers get the end; what is buffered is still sent
        ended = co_await ends_within(server, 200ms);
    }
    if (!ended) {
        fmt::print("somebody does not read\n");
        server.abort_clients();  // at once
        co_await server.wait_closed();
    }
    fmt::print("all connections are closed\n");
}
// [/server_shutdown]

ringio::Task<> main_coroutine() {
    auto server = co_await ringio::start_server(answer, "127.0.0.1", 0);
    const auto port = server.sockets()[0].getsockname().port();
    auto [busy, busy_writer] = co_await ringio::open_connection("127.0.0.1", port);
    auto [idle, idle_writer] = co_await ringio::open_connection("127.0.0.1", port);
    auto [deaf, deaf_writer] = co_await ringio::open_connection("127.0.0.1", port);
    busy_writer.write("the request\n");
    deaf_writer.write("much\n");
    while (requests < 2) {
        co_await ringio::sleep(1ms);
    }
    co_await shut_down(server);
    const std::string answered = co_await busy.read();
    const std::string nothing = co_await idle.read();
    fmt::print("busy client: {}", answered);
    fmt::print("idle client: {} bytes\n", nothing.size());
}

int main() { ringio::run(main_coroutine()); }

// An echo server, and three clients at once that each send a line and wait for its echo.
#include <ringio.hpp>

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

ringio::Task<> echo(ringio::StreamReader reader, ringio::StreamWriter writer) {
    for (;;) {
        const std::string data = co_await reader.read(65536);
        if (data.empty()) {
            break;
        }
        writer.write(data);
        co_await writer.drain();
    }
    writer.close();
}

ringio::Task<std::string> ask(std::uint16_t port, std::string text) {
    auto [reader, writer] = co_await ringio::open_connection("127.0.0.1", port);
    writer.write(text + "\n");
    co_await writer.drain();
    std::string answer = co_await reader.readline();
    writer.close();
    co_await writer.wait_closed();
    co_return answer;
}

ringio::Task<> work() {
    auto server = co_await ringio::start_server(echo, "127.0.0.1", 0);
    const std::uint16_t port = server.sockets()[0].getsockname().port();
    std::vector<ringio::Task<std::string>> clients;
    for (const char* text : {"one", "two", "three"}) {
        clients.push_back(ask(port, text));
    }
    const std::vector<std::string> answers = co_await ringio::gather(std::move(clients));
    for (const std::string& answer : answers) {
        std::fputs(answer.c_str(), stdout);
    }
    server.close();
    co_await server.wait_closed();
}

int main() { ringio::run(work()); }

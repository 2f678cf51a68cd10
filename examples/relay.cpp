// A relay: what a client sends goes on to a server, what the server answers comes back, until both
// have said all they had to say.
#include <fmt/core.h>
#include <ringio.hpp>

// [relay]
class Relay {
public:
    explicit Relay(std::uint16_t port) : port_(port) {}

    ringio::Task<> operator()(ringio::StreamReader reader, ringio::StreamWriter writer) const {
        auto far = co_await ringio::open_connection("127.0.0.1", port_);
        const auto both_ways = [&](ringio::TaskGroup& group) -> ringio::Task<> {
            auto there = group.create_task(ringio::relay(reader, far.writer));
            auto back = group.create_task(ringio::relay(far.reader, writer));
            const auto sent =
                co_await there;  // and the end is passed on: a half-close goes through
            const auto received = co_await back;
            fmt::print("relayed: {} bytes there, {} back\n", sent, received);
        };
        co_await ringio::task_group(both_ways);  // if one direction fails, the other one ends too
    }

private:
    std::uint16_t port_;
};
// [/relay]

ringio::Task<> shout(ringio::StreamReader reader, ringio::StreamWriter writer) {
    std::string text = co_await reader.read();  // to the end
    for (char& letter : text) {
        letter = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    }
    writer.write(text);
}

std::uint16_t port_of(const ringio::Server& server) {
    return server.sockets()[0].getsockname().port();
}

ringio::Task<> main_coroutine() {
    auto server = co_await ringio::start_server(shout, "127.0.0.1", 0);
    auto proxy = co_await ringio::start_server(Relay(port_of(server)), "127.0.0.1", 0);
    auto [reader, writer] = co_await ringio::open_connection("127.0.0.1", port_of(proxy));
    writer.write("hello, far away");
    writer.write_eof();
    const std::string answer = co_await reader.read();
    proxy.close();
    server.close();
    co_await proxy.wait_closed();
    co_await server.wait_closed();
    fmt::print("answer: {}\n", answer);
}

int main() { ringio::run(main_coroutine()); }

// One connection for many tasks: each asks and waits for its own answer, commands of one turn leave
// together, and answers come in the order of the questions.
#include <fmt/core.h>
#include <ringio.hpp>

#include <deque>
#include <utility>

// [client]
class Client {
public:
    explicit Client(ringio::Connection connection) : connection_(std::move(connection)) {}

    ringio::Task<std::string> ask(std::string command) {
        auto answer = ringio::get_running_loop().create_future<std::string>();
        answers_.push_back(answer);  // no wait in between: the order is that of the bytes
        connection_.writer.write(command + "\n");
        co_await connection_.writer.drain();
        co_return co_await answer.get_future();
    }

    ringio::Task<> deliver() {  // the only one who reads
        for (;;) {
            auto line = co_await connection_.reader.readline();
            if (line.empty()) {
                break;
            }
            auto answer = answers_.front();
            answers_.pop_front();
            if (!answer.done()) {  // else who asked was cancelled, and the answer is dropped
                answer.set_result(std::move(line));
            }
        }
    }

    void end() { connection_.writer.write_eof(); }

private:
    ringio::Connection connection_;
    std::deque<ringio::Promise<std::string>> answers_;
};
// [/client]

ringio::Task<> answer(ringio::StreamReader reader, ringio::StreamWriter writer) {
    for (auto line = co_await reader.readline(); !line.empty();) {
        writer.write("re: " + line);
        co_await writer.drain();
        line = co_await reader.readline();
    }
    writer.close();
}

ringio::Task<> co_main() {
    auto server = co_await ringio::start_server(answer, "127.0.0.1", 0);
    const auto port = server.sockets()[0].getsockname().port();
    // [use]
    auto connection = co_await ringio::open_connection("127.0.0.1", port);
    Client client(std::move(connection));
    auto delivering = ringio::create_task(client.deliver());
    auto [one, two, three] =
        co_await ringio::gather(client.ask("one"), client.ask("two"), client.ask("three"));
    client.end();
    co_await delivering;
    // [/use]
    fmt::print("{}{}{}", one, two, three);
    server.close();
    co_await server.wait_closed();
}

int main() { ringio::run(co_main()); }

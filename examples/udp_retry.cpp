// A question over datagrams, as DNS asks: no answer comes, or an old one, or one of somebody else.
// So each question has a number, is asked again after a while, and given up after some attempts.
// The server of this program loses every first question, and answers the second one twice.
#include <fmt/core.h>
#include <ringio.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

// "7 name" is question 7; so is "7 answer" its answer.
std::string number_of(const std::string& message) { return message.substr(0, message.find(' ')); }

ringio::Task<> answer_unreliably(ringio::DatagramEndpoint server) {
    std::map<std::string, int> seen;
    for (;;) {
        const ringio::Datagram question = co_await server.recv();
        const std::string number = number_of(question.data);
        const int times = ++seen[number];
        if (times == 1 || number == "3") {
            fmt::print("server: '{}' is lost\n", question.data);
            continue;
        }
        server.sendto(number + " answer to " + question.data, question.from);
        server.sendto(number + " answer to " + question.data, question.from);
    }
}

// [attempt]
// Waits for the answer with this number; what else comes is late, and dropped.
ringio::Task<std::string> answer_to(ringio::DatagramEndpoint endpoint, std::string number) {
    for (;;) {
        const ringio::Datagram datagram = co_await endpoint.recv();
        if (number_of(datagram.data) == number) {
            co_return datagram.data;
        }
        fmt::print("client: '{}' is late\n", datagram.data);
    }
}
// [/attempt]

// [retry]
ringio::Task<std::optional<std::string>> ask(ringio::DatagramEndpoint endpoint, int number,
                                             std::string name, std::chrono::milliseconds patience) {
    const std::string id = std::to_string(number);
    for (int attempt = 1; attempt <= 3; ++attempt, patience *= 2) {
        endpoint.send(id + " " + name);
        try {
            co_return co_await ringio::wait_for(answer_to(endpoint, id), patience);
        } catch (const ringio::TimeoutError&) {
            fmt::print("client: no answer to {} within {} ms\n", id, patience.count());
        }
    }
    co_return std::nullopt;
}
// [/retry]

ringio::Task<> main_coroutine() {
    const auto loopback = ringio::SocketAddress::from_literal("127.0.0.1", 0);
    auto server = co_await ringio::create_datagram_endpoint({.local = *loopback});
    auto serving = ringio::create_task(answer_unreliably(server));
    auto client = co_await ringio::create_datagram_endpoint({.remote = server.getsockname()});

    const std::vector<std::string> names = {"one.example", "two.example", "three.example"};
    int number = 0;
    for (const std::string& name : names) {
        const auto answer = co_await ask(client, ++number, name, 50ms);
        fmt::print("{}: {}\n", name, answer.value_or("given up"));
    }
    serving.cancel();
}

}  // namespace

int main() { ringio::run(main_coroutine()); }

// Look-ups by c-ares on ringio's loop. Its arguments are a DNS server that knows some names, and
// one that says nothing: "127.0.0.1:5353".
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <ringio.hpp>
#include <ringio/main.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "c_ares.hpp"

using namespace std::chrono_literals;

namespace {

std::vector<std::string> hosts_of(const dns::Addresses& addresses) {
    std::vector<std::string> hosts;
    for (const ringio::SocketAddress& address : addresses) {
        hosts.push_back(address.host());
    }
    std::sort(hosts.begin(), hosts.end());
    return hosts;
}

// [resolve]
ringio::Task<> look_up(dns::Resolver& resolver) {
    const auto [one, both, six] =
        co_await ringio::gather(resolver.resolve("one.test"), resolver.resolve("both.test"),
                                resolver.resolve("both.test", AF_INET6));
    fmt::print("{}; {}; {}\n", fmt::join(hosts_of(one), " "), fmt::join(hosts_of(both), " "),
               fmt::join(hosts_of(six), " "));
    try {
        co_await resolver.resolve("nobody.test");
    } catch (const dns::Error& error) {
        fmt::print("nobody.test: {}\n", error.what());
    }
}
// [/resolve]

ringio::Task<> look_up_many(dns::Resolver& resolver) {
    std::vector<ringio::Future<dns::Addresses>> questions;
    for (int number = 0; number < 100; ++number) {
        questions.push_back(resolver.resolve(fmt::format("host{}.any.test", number)));
    }
    const std::vector<dns::Addresses> answers = co_await ringio::gather(questions);
    const auto right =
        std::count_if(answers.begin(), answers.end(), [](const dns::Addresses& addresses) {
            return addresses.size() == 1 && addresses[0].host() == "192.0.2.9";
        });
    fmt::print("{} of {} at once\n", right, answers.size());

    const dns::Addresses many = co_await resolver.resolve("many.test");  // too many for a datagram
    fmt::print("many.test has {} addresses\n", many.size());
}

// [set_resolver]
ringio::Task<> the_loop_asks_it(const char* server) {
    ringio::EventLoop& loop = ringio::get_running_loop();
    loop.set_resolver(std::make_shared<dns::Resolver>(dns::Options{.servers = server}));
    const auto found = co_await loop.getaddrinfo("one.test", 80);
    fmt::print("the loop knows {}\n", found.at(0).address.to_string());
    try {
        co_await ringio::open_connection("nobody.test", 80);
    } catch (const dns::Error& error) {
        fmt::print("no connection: {}\n", error.what());
    }
}
// [/set_resolver]

ringio::Task<> nobody_answers(const char* server) {
    dns::Resolver hasty({.servers = server, .timeout = 50ms, .tries = 2});
    try {
        co_await hasty.resolve("one.test");
    } catch (const dns::Error& error) {
        fmt::print("{}\n", error.what());
    }

    std::optional<dns::Resolver> patient(dns::Options{.servers = server, .timeout = 1h});
    try {
        co_await ringio::wait_for(patient->resolve("one.test"), 10ms);
    } catch (const ringio::TimeoutError&) {
        fmt::print("too long\n");
    }
    const auto question = patient->resolve("two.test");
    patient.reset();
    try {
        co_await question;
    } catch (const dns::Error& error) {
        fmt::print("{}\n", error.what());
    }
}

}  // namespace

ringio::Task<int> co_main(int argc, char** argv) {
    if (argc != 3) {
        fmt::print(stderr, "usage: c_ares SERVER SILENT_SERVER\n");
        co_return 2;
    }
    {
        dns::Resolver resolver({.servers = argv[1]});
        co_await look_up(resolver);
        co_await look_up_many(resolver);
    }
    co_await the_loop_asks_it(argv[1]);
    co_await nobody_answers(argv[2]);
    co_return 0;
}

// Redis on ringio's loop: replies, a pipeline of commands, a subscription, a server that dies. Its
// arguments are the server's numeric address and port.
#include <fmt/core.h>
#include <ringio.hpp>
#include <ringio/main.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "hiredis.hpp"

using namespace std::chrono_literals;

namespace {

ringio::Task<> commands(redis::Connection& redis) {
    const std::string name = "Grüße, Welt";
    co_await redis.command("SET %s %b", "greeting", name.data(), name.size());
    const redis::Reply greeting = co_await redis.command("GET greeting");
    const redis::Reply nothing = co_await redis.command("GET %s", "nothing");
    fmt::print("{}; nothing there: {}\n", greeting.text, nothing.is_null());
    try {
        co_await redis.command("INCR greeting");
    } catch (const redis::Error& error) {
        fmt::print("{}\n", error.what());
    }
}

// [pipeline]
ringio::Task<> pipeline(redis::Connection& redis) {
    std::vector<ringio::Future<redis::Reply>> commands;
    for (int number = 0; number < 1000; ++number) {
        commands.push_back(redis.command("INCRBY sum %d", number));
    }
    const std::vector<redis::Reply> sums = co_await ringio::gather(commands);
    fmt::print("the sum of {} numbers is {}\n", sums.size(), sums.back().integer);
}
// [/pipeline]

// [subscribe]
ringio::Task<> subscribe(redis::Connection& redis, redis::Connection& listener) {
    const auto news = co_await listener.subscribe("news");
    co_await ringio::gather(redis.command("PUBLISH news %s", "it rains"),
                            redis.command("PUBLISH news %s", "it shines"));
    for (int heard = 0; heard < 2; ++heard) {
        const std::string message = co_await news->next();
        fmt::print("{}: {}\n", news->name(), message);
    }
}
// [/subscribe]

/// A connection that is dropped while its command waits at the server.
ringio::Task<> takes_too_long(const std::string& host, int port) {
    redis::Connection redis = co_await redis::Connection::connect(host, port);
    try {
        co_await ringio::wait_for(redis.command("BLPOP nothing 0"), 50ms);
    } catch (const ringio::TimeoutError&) {
        fmt::print("nothing came\n");
    }
}

ringio::Task<> refused(const std::string& host) {
    try {
        co_await redis::Connection::connect(host, 1);
    } catch (const redis::Error& error) {
        fmt::print("{}\n", error.what());
    }
}

/// Waits for what does not come, until somebody ends the server.
ringio::Task<> lost(redis::Connection& redis, redis::Connection& listener) {
    const auto silence = co_await listener.subscribe("silence");
    fmt::print("waiting\n");
    std::fflush(stdout);
    const auto [popped, heard] = co_await ringio::gather(
        ringio::return_exceptions, redis.command("BLPOP nothing 0"), silence->next());
    fmt::print("no message any more: {}\n", !heard.has_value());
    for (int time = 0; time < 2; ++time) {
        try {
            co_await redis.command("PING");
        } catch (const redis::Error& error) {
            fmt::print("{}\n", error.what());
        }
    }
}

}  // namespace

ringio::Task<int> co_main(int argc, char** argv) {
    const std::string host = argc > 2 ? argv[1] : "127.0.0.1";
    const int port = argc > 2 ? std::stoi(argv[2]) : 6379;
    std::signal(SIGPIPE, SIG_IGN);
    redis::Connection redis = co_await redis::Connection::connect(host, port);
    redis::Connection listener = co_await redis::Connection::connect(host, port);
    co_await commands(redis);
    co_await pipeline(redis);
    co_await subscribe(redis, listener);
    co_await takes_too_long(host, port);
    co_await refused(host);
    co_await lost(redis, listener);
    co_return 0;
}

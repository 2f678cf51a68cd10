#include <ringio/testing/run_virtual.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include <ringio/core.hpp>
#include <ringio/ring/control_requests.hpp>
#include <ringio/tasks.hpp>
#include <ringio/testing/balance.hpp>
#include <ringio/testing/event_log.hpp>
#include <support/catch.hpp>

using namespace ringio;
using namespace std::chrono_literals;
using ringio::testing::EventLog;
using ringio::testing::run_virtual;

TEST_CASE("run_virtual: an hour passes in no time, and by the clock exactly") {
    const auto before = std::chrono::steady_clock::now();
    auto main = []() -> Task<std::chrono::nanoseconds> {
        const EventLoop::TimePoint start = get_running_loop().time();
        co_await sleep(1h);
        co_return get_running_loop().time() - start;
    };
    CHECK(run_virtual(main()) == 1h);
    CHECK(std::chrono::steady_clock::now() - before < 10min);
}

TEST_CASE("run_virtual: tasks wake in the order of their deadlines") {
    EventLog log;
    auto logs = [&](const char* name, Delay delay) -> Task<> {
        co_await sleep(delay);
        log(name);
    };
    auto main = [&]() -> Task<> {
        create_task(logs("late", 3h));
        create_task(logs("early", 1s));
        co_await logs("middle", 2min);
        co_await sleep(5h);
    };
    run_virtual(main());
    CHECK(log.joined() == "early middle late");
}

TEST_CASE("run_virtual: gives the result, of whatever type, and the exception") {
    auto moves = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(5); };
    CHECK(*run_virtual(moves()) == 5);
    auto fails = []() -> Task<> {
        co_await sleep(1s);
        throw std::out_of_range("boom");
    };
    CHECK_THROWS_AS(run_virtual(fails()), std::out_of_range);
    CHECK(run_virtual(sleep(1h, 7)) == 7);
}

TEST_CASE("run_virtual: a deadlock is an error that lists the tasks that wait") {
    const testing::Balance balance;
    std::string text;
    auto main = []() -> Task<> {
        Promise<> never = get_running_loop().create_future();
        auto waits = [](Future<> future) -> Task<> { co_await future; };
        create_task(waits(never.get_future()), {.name = "helper"});
        co_await never.get_future();
    };
    try {
        run_virtual(main());
    } catch (const DeadlockError& error) {
        text = error.what();
    }
    CHECK(text.find("deadlock: ") == 0);
    CHECK(text.find("* Task 'helper' waits for a future made by ") != std::string::npos);
    CHECK(balance.difference() == "");
}

TEST_CASE("run_virtual: a sleeper is no deadlock, nor is a kernel operation") {
    auto main = []() -> Task<int> {
        co_await sleep(1h);
        const int result = co_await Op(NopRequest{});
        co_return result;
    };
    CHECK(run_virtual(main()) == 0);
}

TEST_CASE("run_virtual: a deadline that is nearer than the work") {
    EventLog log;
    auto main = [&]() -> Task<> {
        auto works = [&]() -> Task<> {
            co_await sleep(2h);
            log("not reached");
        };
        try {
            co_await timeout(1h, works);
        } catch (const TimeoutError&) {
            log("timeout");
        }
        log(std::to_string(get_running_loop().time().time_since_epoch() / 1h));
    };
    run_virtual(main());
    CHECK(log.joined() == "timeout 1");
}

TEST_CASE("run_virtual: takes the options of run") {
    auto main = []() -> Task<bool> { co_return get_running_loop().get_debug(); };
    CHECK(run_virtual(main(), {.debug = true}));
    CHECK_FALSE(run_virtual(main(), {.debug = false}));
}

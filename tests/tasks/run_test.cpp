#include <ringio/tasks/run.hpp>

#include "scenario.hpp"

#include <memory>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

TEST_CASE("run: gives the result of main, of whatever type") {
    CHECK(run(give(5)) == 5);
    run(yield(2));
    auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
    CHECK(*run(make()) == 7);
    CHECK(run(sleep(0s, 3)) == 3);
}

TEST_CASE("run: throws what main throws", "[any_order]") {
    CHECK(thrown_by([] { run(fail_with("bad")); }) == "bad");
    auto cancelled = []() -> Task<> {
        current_task().cancel();
        co_await sleep(0s);
    };
    CHECK(thrown_by([&] { run(cancelled()); }) == "CancelledError");
}

TEST_CASE("run: is refused within a running loop, and leaves nothing behind") {
    const testing::Balance balance;
    std::string text;
    auto outer = [&text]() -> Task<> {
        text = thrown_by([] { run(give(1)); });
        co_return;
    };
    run(outer());
    CHECK(text == "run() cannot be called from a running event loop");
    CHECK(balance.difference() == "");
}

TEST_CASE("run: debug is as the options say") {
    bool debug = false;
    auto look = [&debug]() -> Task<> {
        debug = get_running_loop().get_debug();
        co_return;
    };
    run(look(), {.debug = true});
    CHECK(debug);
    run(look(), {.debug = false});
    CHECK_FALSE(debug);
}

TEST_CASE("run: cancels and awaits the tasks that are left, without a report") {
    EventLog log;
    const testing::Balance balance;
    auto left = [](EventLog& into, std::string name) -> Task<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            into(name + " cancelled");
            throw;
        }
    };
    auto program = [&]() -> Task<> {
        create_task(left(log, "a"));
        create_task(left(log, "b"));
        create_task(work(log, "late", 5));
        co_await sleep(0s);
        log("main ends");
    };
    run(program());
    CHECK(log.joined() == "late+ main ends a cancelled b cancelled");
    CHECK(balance.difference() == "");
}

TEST_CASE("run: waits for the cleaning up of the tasks that are left, also when main failed") {
    EventLog log;
    auto program = [&log]() -> Task<> {
        create_task(stubborn(log, "a", 5, 0));
        co_await sleep(0s);
        throw std::runtime_error("bad");
    };
    CHECK(thrown_by([&] { run(program()); }) == "bad");
    CHECK(log.joined() == "a cancelled a cleaned");
}

TEST_CASE("run: reports the errors of the tasks that are left", "[any_order]") {
    std::vector<std::string> reports;
    auto left = []() -> Task<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            throw std::runtime_error("bad");
        }
    };
    auto program = [&]() -> Task<> {
        get_running_loop().set_exception_handler(
            [&reports](EventLoop&, const ExceptionContext& context) {
                reports.push_back(context.message + ": " + name_of(context.exception));
            });
        create_task(left());
        co_await sleep(0s);
    };
    run(program());
    CHECK(reports == std::vector<std::string>{"unhandled exception during run() shutdown: bad"});
}

TEST_CASE("run: a task that refuses to be cancelled and returns is no error") {
    EventLog log;
    auto left = [](EventLog& into) -> Task<int> {
        const auto end = co_await told(sleep(1h));
        into(end);
        co_return 1;
    };
    auto program = [&]() -> Task<> {
        create_task(left(log));
        co_await sleep(0s);
    };
    run(program());
    CHECK(log.joined() == "CancelledError");
}

TEST_CASE("run: a callback of main's task that was added late still runs") {
    EventLog log;
    auto inner = []() -> Task<int> { co_return 42; };
    auto program = [&]() -> Task<> {
        auto task = create_task(inner());
        const int value = co_await task;
        task.add_done_callback([&log] { log("callback"); });
        log("main ends with " + std::to_string(value));
    };
    run(program());
    CHECK(log.joined(", ") == "main ends with 42, callback");
}

TEST_CASE("run_virtual: an hour passes at once, and a deadlock is told") {
    const auto begin = std::chrono::steady_clock::now();
    testing::run_virtual(joined(sleep(1h)));
    CHECK(std::chrono::steady_clock::now() - begin < 1min);
    auto stuck = []() -> Task<> {
        Promise<> never = get_running_loop().create_future<void>();
        co_await never.get_future();
    };
    CHECK_THROWS_AS(testing::run_virtual(stuck()), DeadlockError);
}

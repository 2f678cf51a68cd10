#include <ringio/core/event_loop.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include <ringio/core.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::EventLog;

namespace {

Task<> log_twice(EventLog& log) {
    log("task t start");
    co_await sleep(0s);
    log("task t 2");
}

Task<> log_once(EventLog& log, const char* text) {
    log(text);
    co_return;
}

// The program of the golden transcript, line by line.
Task<> transcript(EventLog& log) {
    EventLoop& loop = get_running_loop();
    loop.call_soon([&] { log("soon1"); });
    create_task(log_twice(log));
    loop.call_soon([&] { log("soon2"); });
    Promise<int> promise = loop.create_future<int>();
    Future<int> future = promise.get_future();
    future.add_done_callback([&] { log("cb1"); });
    future.add_done_callback([&] { log("cb2"); });
    promise.set_result(1);
    log("after set_result");
    future.add_done_callback([&] { log("cb3-late"); });
    co_await sleep(0s);
    log("main resumed");
    co_await future;
    log("await done future = no yield");
    loop.call_later(1ms, [&] { log("later"); });
    loop.call_later(0s, [&] { log("later0"); });
    loop.call_soon([&] { log("soon3"); });
    co_await sleep(10ms);
}

}  // namespace

ASYNC_TEST_CASE("event loop: the order log of CPython, word for word") {
    EventLog log;
    co_await transcript(log);
    CHECK(log.joined(", ") ==
          "after set_result, soon1, task t start, soon2, cb1, cb2, cb3-late, main resumed, "
          "await done future = no yield, task t 2, soon3, later0, later");
}

ASYNC_TEST_CASE("event loop: a done future and a coroutine do not yield, sleep(0s) does once") {
    EventLog log;
    Promise<> promise = get_running_loop().create_future();
    promise.set_result();
    create_task(log_once(log, "other"));
    co_await promise.get_future();
    log("a");
    co_await log_once(log, "coroutine");
    log("b");
    co_await sleep(0s);
    log("c");
    CHECK(log.joined() == "a coroutine b other c");
}

TEST_CASE("event loop: callbacks run once, in the order of call_soon") {
    EventLoop loop;
    EventLog log;
    for (const char* name : {"1", "2", "3"}) {
        loop.call_soon([&log, name] { log(name); });
    }
    run_one_turn(loop);
    run_one_turn(loop);
    CHECK(log.joined() == "1 2 3");
}

TEST_CASE("event loop: a turn runs a snapshot, what is added meanwhile waits for the next one") {
    EventLoop loop;
    EventLog log;
    loop.call_soon([&] {
        log("first");
        loop.call_soon([&] { log("added"); });
    });
    loop.call_soon([&] { log("second"); });
    run_one_turn(loop);
    CHECK(log.joined() == "first second");
    run_one_turn(loop);
    CHECK(log.joined() == "first second added");
}

TEST_CASE("event loop: within a turn the ready come first, then completions, then timers") {
    ScriptedLoop scripted;
    EventLog log;
    auto waits = [&]() -> Task<> {
        co_await Op(NopRequest{});
        log("completion");
    };
    scripted.loop.create_task(waits());
    scripted.turns();
    REQUIRE(scripted.held() == 1);
    scripted.loop.call_later(-2s, [&] { log("timer2"); });
    scripted.loop.call_later(-3s, [&] { log("timer1"); });
    scripted.answer(0);
    scripted.loop.call_soon([&] { log("ready"); });
    run_one_turn(scripted.loop);
    CHECK(log.joined() == "ready completion timer1 timer2");
}

TEST_CASE("event loop: the kernel is looked at in every turn, though the queue is never empty") {
    EventLoop loop;
    bool over = false;
    int turns = 0;
    auto spins = [&]() -> Task<> {
        while (!over) {
            ++turns;
            co_await sleep(0s);
        }
    };
    auto operates = [&]() -> Task<> {
        co_await Op(NopRequest{});
        over = true;
    };
    loop.create_task(operates());
    loop.run_until_complete(spins());
    CHECK(turns < 10);
}

TEST_CASE("event loop: stop() ends after the turn in progress and keeps the next one") {
    EventLoop loop;
    EventLog log;
    loop.call_soon([&] {
        log("1");
        loop.stop();
        loop.call_soon([&] { log("next-iter"); });
    });
    loop.call_soon([&] { log("2"); });
    loop.run_forever();
    CHECK(log.joined() == "1 2");
    loop.call_soon([&] { loop.stop(); });
    loop.run_forever();
    CHECK(log.joined() == "1 2 next-iter");
}

TEST_CASE("event loop: one that was stopped before runs one turn") {
    EventLoop loop;
    EventLog log;
    loop.call_soon([&] {
        log("ran");
        loop.call_soon([&] { log("not yet"); });
    });
    loop.stop();
    loop.run_forever();
    CHECK(log.joined() == "ran");
}

TEST_CASE("event loop: run_until_complete ends one hop after the future is done") {
    EventLoop loop;
    EventLog log;
    Promise<int> promise = loop.create_future<int>();
    loop.call_soon([&] {
        promise.set_result(5);
        loop.call_soon([&] { log("same turn as the stop"); });
    });
    CHECK(loop.run_until_complete(promise.get_future()) == 5);
    CHECK(log.joined() == "same turn as the stop");
}

TEST_CASE("event loop: run_until_complete without a result after stop()") {
    EventLoop loop;
    Promise<> promise = loop.create_future();
    loop.call_soon([&] { loop.stop(); });
    CHECK(thrown<std::runtime_error>([&] { loop.run_until_complete(promise.get_future()); }) ==
          "Event loop stopped before Future completed.");
}

TEST_CASE("event loop: a loop runs once at a time") {
    EventLoop loop;
    EventLoop other;
    std::string nested, nested_task, nested_other, closing;
    auto never = [&]() -> Task<> { co_return; };
    loop.call_soon([&] {
        nested = thrown<std::runtime_error>([&] { loop.run_forever(); });
        nested_task = thrown<std::runtime_error>([&] { loop.run_until_complete(never()); });
        nested_other = thrown<std::runtime_error>([&] { other.run_forever(); });
        closing = thrown<std::runtime_error>([&] { loop.close(); });
        CHECK(loop.is_running());
        CHECK(&get_running_loop() == &loop);
        loop.stop();
    });
    loop.run_forever();
    CHECK(nested == "This event loop is already running");
    CHECK(nested_task == "This event loop is already running");
    CHECK(nested_other == "Cannot run the event loop while another loop is running");
    CHECK(closing == "Cannot close a running event loop");
    CHECK_FALSE(loop.is_running());
    CHECK(thrown<std::runtime_error>([] { get_running_loop(); }) == "no running event loop");
}

TEST_CASE("event loop: a refused nested run of a done future does not stop the loop") {
    EventLoop loop;
    EventLog log;
    Promise<> promise = loop.create_future();
    promise.set_result();
    loop.call_soon([&] {
        CHECK(thrown<std::runtime_error>([&] { loop.run_until_complete(promise.get_future()); }) ==
              "This event loop is already running");
        loop.call_soon([&] { loop.call_soon([&] { loop.call_soon([&] { log("reached"); }); }); });
        loop.call_later(1ms, [&] { loop.stop(); });
    });
    loop.run_forever();
    CHECK(log.joined() == "reached");
}

TEST_CASE("event loop: an empty future handle is refused") {
    EventLoop loop;
    CHECK_THROWS_AS(loop.run_until_complete(Future<int>()), std::invalid_argument);
}

TEST_CASE("event loop: a future of another loop is refused") {
    EventLoop loop;
    EventLoop other;
    Promise<> promise = other.create_future();
    CHECK_THROWS_AS(loop.run_until_complete(promise.get_future()), std::invalid_argument);
}

TEST_CASE("event loop: a closed loop refuses everything") {
    EventLoop loop;
    auto never = [&]() -> Task<> { co_return; };
    CHECK_FALSE(loop.is_closed());
    loop.close();
    loop.close();
    CHECK(loop.is_closed());
    const std::string closed = "Event loop is closed";
    CHECK(thrown<std::runtime_error>([&] { loop.run_forever(); }) == closed);
    CHECK(thrown<std::runtime_error>([&] { loop.call_soon([] {}); }) == closed);
    CHECK(thrown<std::runtime_error>([&] { loop.call_later(1s, [] {}); }) == closed);
    CHECK(thrown<std::runtime_error>([&] { loop.call_at({}, [] {}); }) == closed);
    CHECK(thrown<std::runtime_error>([&] { loop.call_soon_threadsafe([] {}); }) == closed);
    CHECK(thrown<std::runtime_error>([&] { loop.run_until_complete(never()); }) == closed);
    CHECK(thrown<std::runtime_error>([&] { loop.create_task(never()); }) == closed);
    CHECK(thrown<std::runtime_error>([&] { loop.machine().ring(); }) == closed);
}

TEST_CASE("event loop: create_task takes an awaitable that is no coroutine, too") {
    EventLoop loop(LoopOptions{.virtual_time = true});
    auto sleeping = loop.create_task(sleep(1h, 5));
    CHECK(loop.run_until_complete(sleeping) == 5);
    loop.close();
}

TEST_CASE("event loop: closing drops what is queued, with what it holds") {
    const testing::Balance balance;
    auto held = std::make_shared<int>(1);
    {
        EventLoop loop;
        loop.call_soon([held] {});
        loop.call_later(1h, [held] {});
        loop.call_soon_threadsafe([held] {});
        CHECK(held.use_count() == 4);
        CHECK(loop.statistics().timers == 1);
        loop.close();
        CHECK(held.use_count() == 1);
        CHECK(loop.statistics().timers == 0);
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("event loop: a task that wakes another one while the loop is closed") {
    const testing::Balance balance;
    {
        EventLoop loop;
        Reports reports(loop);
        Promise<> released = loop.create_future();
        Promise<> never = loop.create_future();
        auto releases = [&]() -> Task<> {
            const ScopeExit release([&] { released.set_result(); });
            co_await never.get_future();
        };
        auto waits = [&]() -> Task<> { co_await released.get_future(); };
        loop.create_task(releases());
        loop.create_task(waits());
        run_one_turn(loop);
        loop.close();
        CHECK(reports.seen.size() == 2);
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("event loop: a loop that was made in one thread runs in another one") {
    EventLoop loop;
    auto answer = []() -> Task<int> {
        co_await Op(NopRequest{});
        co_return 42;
    };
    int result = 0;
    std::thread([&] {
        result = loop.run_until_complete(answer());
        loop.close();
    }).join();
    CHECK(result == 42);
}

TEST_CASE("event loop: no ring entry at all is refused") {
    CHECK_THROWS_AS(EventLoop(LoopOptions{.ring_entries = 0}), std::invalid_argument);
}

#include <ringio/tasks/create_task.hpp>

#include "scenario.hpp"

#include <cstddef>
#include <memory>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<std::vector<int>> gather_ones(std::size_t count) {
    std::vector<int> all;
    while (all.size() < count) {
        auto task = create_task(give(1));
        const int one = co_await task;
        all.push_back(one);
    }
    co_return all;
}

}  // namespace

ASYNC_TEST_CASE("create_task: the first step runs in the next turn, in order") {
    EventLog log;
    EventLoop& loop = get_running_loop();
    log("m1");
    loop.call_soon([&log] { log("soon1"); });
    auto task = create_task(work(log, "a", 0));
    loop.call_soon([&log] { log("soon2"); });
    log("m2");
    co_await task;
    log("m3");
    CHECK(log.joined() == "m1 m2 soon1 a+ a- soon2 m3");
}

ASYNC_TEST_CASE("create_task: names count up, or are given", "[any_order]") {
    auto first = create_task(give(1));
    auto second = create_task(give(1));
    const int number = std::stoi(first.get_name().substr(5));
    CHECK(first.get_name() == "Task-" + std::to_string(number));
    CHECK(second.get_name() == "Task-" + std::to_string(number + 1));
    auto named = create_task(give(1), {.name = "x"});
    CHECK(named.get_name() == "x");
    named.set_name("y");
    CHECK(named.get_name() == "y");
    co_await gather(first, second, named);
}

ASYNC_TEST_CASE("create_task: dropping the handle detaches the task") {
    EventLog log;
    create_task(work(log, "a", 2));
    co_await yield(4);
    CHECK(log.joined() == "a+ a-");
}

ASYNC_TEST_CASE("create_task: takes an awaitable that is no coroutine", "[any_order]") {
    const int value = co_await create_task(sleep(1s, 5));
    CHECK(value == 5);
    co_await create_task(sleep(0s), {.name = "sleeper"});
}

ASYNC_TEST_CASE("create_task: an error that nobody takes is reported when the handle goes") {
    const Reports reports;
    {
        auto task = create_task(fail_with("bad"));
        co_await sleep(0s);
        CHECK(task.done());
        CHECK(reports.messages().empty());
    }
    CHECK(reports.messages() == std::vector<std::string>{"Task exception was never retrieved"});
    {
        auto task = create_task(fail_with("bad"));
        co_await sleep(0s);
        CHECK(name_of(task.exception()) == "bad");
    }
    CHECK(reports.messages().size() == 1);
}

ASYNC_TEST_CASE("create_task: who waits and callbacks are served in order of registration") {
    EventLog log;
    auto body = [](EventLog& into) -> Task<int> {
        co_await sleep(0s);
        into("body");
        co_return 1;
    };
    auto waiting = [](EventLog& into, TaskHandle<int> task, std::string name) -> Task<> {
        co_await task;
        into(name);
    };
    auto task = create_task(body(log));
    task.add_done_callback([&log] { log("cb1"); });
    auto x = create_task(waiting(log, task, "x"));
    auto y = create_task(waiting(log, task, "y"));
    auto ticks = create_task(tick(log, 6));
    co_await task;
    log("main");
    co_await x;
    co_await y;
    co_await ticks;
    CHECK(log.joined() == "1 body 2 cb1 main x y 3 4 5 6");
}

ASYNC_TEST_CASE("create_task: cancelled before its first step, the body never runs") {
    EventLog log;
    auto task = create_task(work(log, "a", 0));
    CHECK(task.cancel());
    const auto end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK(log.joined() == "");
}

ASYNC_TEST_CASE("create_task: a task that cancels itself and returns is cancelled", "[any_order]") {
    auto body = []() -> Task<int> {
        current_task().cancel();
        co_return 5;
    };
    auto task = create_task(body());
    const auto end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK(task.cancelled());
}

ASYNC_TEST_CASE("create_task: two cancels count, one uncancel takes one back, it still ends",
                "[any_order]") {
    auto task = create_task(sleep(1h));
    co_await sleep(0s);
    CHECK(task.cancel());
    CHECK(task.cancel());
    CHECK(task.cancelling() == 2);
    CHECK_FALSE(task.cancelled());
    CHECK(task.uncancel() == 1);
    const auto end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK_FALSE(task.cancel());
}

ASYNC_TEST_CASE("create_task: cancel on a done task does nothing", "[any_order]") {
    auto task = create_task(give(1));
    co_await task;
    CHECK_FALSE(task.cancel());
    CHECK(task.cancelling() == 0);
}

ASYNC_TEST_CASE("create_task: a future that is set and a cancel in one turn: cancelled") {
    Promise<int> promise = get_running_loop().create_future<int>();
    auto task = create_task(told(promise.get_future()));
    co_await sleep(0s);
    promise.set_result(1);
    task.cancel();
    const std::string end = co_await task;
    CHECK(end == "CancelledError");
}

ASYNC_TEST_CASE("create_task: cancelling goes through awaited tasks to the innermost wait") {
    auto innermost = create_task(sleep(1h));
    auto middle = create_task(joined(innermost));
    auto outer = create_task(joined(middle));
    co_await yield(2);
    outer.cancel();
    CHECK(middle.cancelling() == 1);
    CHECK(innermost.cancelling() == 1);
    const auto end = co_await told(outer);
    CHECK(end == "CancelledError");
    CHECK(innermost.cancelled());
    CHECK(middle.cancelled());
}

ASYNC_TEST_CASE("create_task: awaiting a done task or a plain coroutine does not yield") {
    EventLog log;
    auto done = create_task(give(1));
    co_await done;
    auto other = create_task(work(log, "other", 0));
    co_await done;
    log("a");
    co_await give(2);
    log("b");
    co_await sleep(0s);
    log("c");
    CHECK(log.joined() == "a b other+ other- c");
}

ASYNC_TEST_CASE("ensure_future: a future is itself, a coroutine becomes a task", "[any_order]") {
    Promise<int> promise = get_running_loop().create_future<int>();
    CHECK(ensure_future(promise.get_future()) == promise.get_future());
    auto task = create_task(give(1));
    CHECK(ensure_future(task) == task);
    auto made = ensure_future(give(2));
    const int value = co_await made;
    CHECK(value == 2);
    auto coroutine = give(3);
    auto from_lvalue = ensure_future(coroutine);
    const int third = co_await from_lvalue;
    CHECK(third == 3);
    auto slept = ensure_future(sleep(1s, 4));
    const int fourth = co_await slept;
    CHECK(fourth == 4);
}

TEST_CASE("create_task: needs a running loop, and destroys the coroutine without one") {
    const testing::Balance balance;
    CHECK(thrown_by([] { create_task(give(1)); }) == "no running event loop");
    CHECK(thrown_by([] { ensure_future(give(1)); }) == "no running event loop");
    CHECK(balance.difference() == "");
}

// g++ 12.2 makes a crash of it, without -fno-tree-slp-vectorize.
ASYNC_TEST_CASE("create_task: results gather in a vector whose size ends the loop") {
    const std::vector<int> all = co_await gather_ones(50);
    CHECK(all == std::vector<int>(50, 1));
}

TEST_CASE("run_until_complete: takes a coroutine, a task, a future and another awaitable") {
    EventLoop loop;
    CHECK(loop.run_until_complete(give(1)) == 1);
    auto task = loop.create_task(give(2));
    CHECK(loop.run_until_complete(task) == 2);
    CHECK(loop.run_until_complete(task) == 2);
    Promise<std::unique_ptr<int>> promise = loop.create_future<std::unique_ptr<int>>();
    loop.call_soon([&promise] { promise.set_result(std::make_unique<int>(3)); });
    CHECK(*loop.run_until_complete(promise.get_future()) == 3);
    CHECK(loop.run_until_complete(sleep(0s, 4)) == 4);
    CHECK(thrown_by([&] { loop.run_until_complete(fail_with("bad")); }) == "bad");
}

TEST_CASE("run_until_complete: refuses a future of another loop, and says when it was stopped") {
    EventLoop loop;
    EventLoop other;
    Promise<int> promise = other.create_future<int>();
    CHECK(thrown_by([&] { loop.run_until_complete(promise.get_future()); }) ==
          "The future belongs to a different loop than this one");
    Promise<int> never = loop.create_future<int>();
    loop.call_soon([&loop] { loop.stop(); });
    CHECK(thrown_by([&] { loop.run_until_complete(never.get_future()); }) ==
          "Event loop stopped before Future completed.");
}

#include <ringio/core/task_state.hpp>

#include <chrono>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include <ringio/core.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::EventLog;

namespace {

Task<> sleeps_for_ever() { co_await sleep(std::chrono::hours::max()); }

Task<int> waits_for(Future<int> future) {
    const int value = co_await future;
    co_return value;
}

}  // namespace

ASYNC_TEST_CASE("task state: cancelled before its first step the body never runs") {
    EventLog log;
    auto body = [&]() -> Task<> {
        log("ran");
        co_return;
    };
    TaskHandle<> task = create_task(body());
    CHECK(task.cancel());
    CHECK_FALSE(task.cancelled());
    co_await settled(task);
    CHECK(task.cancelled());
    CHECK(log.joined().empty());
}

ASYNC_TEST_CASE("task state: an uncancel before the first step lets it run") {
    TaskHandle<> task = create_task(sleep(1s));
    CHECK(task.cancel());
    CHECK(task.uncancel() == 0);
    co_await task;
    CHECK_FALSE(task.cancelled());
}

ASYNC_TEST_CASE("task state: a cancel goes through child tasks to the innermost future") {
    Promise<int> promise = get_running_loop().create_future<int>();
    TaskHandle<int> inner = create_task(waits_for(promise.get_future()));
    TaskHandle<int> outer = create_task(waits_for(inner));
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK(outer.cancel("from above"));
    CHECK(promise.cancelled());
    CHECK_FALSE(inner.done());
    CHECK_FALSE(outer.done());
    CHECK(inner.cancelling() == 1);
    co_await settled(outer);
    CHECK(inner.cancelled());
    CHECK(outer.cancelled());
    CHECK(thrown<CancelledError>([&] { static_cast<void>(outer.result()); }) ==
          "cancelled: from above");
}

ASYNC_TEST_CASE("task state: a cancel goes into the coroutine that is awaited") {
    EventLog log;
    auto inner = [&]() -> Task<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError& error) {
            log("inner: " + error.message());
            throw;
        }
    };
    auto outer = [&]() -> Task<> {
        try {
            co_await inner();
        } catch (const CancelledError&) {
            log("outer");
            throw;
        }
    };
    TaskHandle<> task = create_task(outer());
    co_await sleep(1s);
    task.cancel("why");
    co_await settled(task);
    CHECK(task.cancelled());
    CHECK(log.joined(", ") == "inner: why, outer");
}

ASYNC_TEST_CASE("task state: who cancels himself and returns ends cancelled") {
    auto body = []() -> Task<int> {
        current_task().cancel();
        co_return 5;
    };
    TaskHandle<int> task = create_task(body());
    co_await settled(task);
    CHECK(task.cancelled());
}

ASYNC_TEST_CASE("task state: who cancels himself is told at the next wait, not before") {
    EventLog log;
    Promise<> done = get_running_loop().create_future();
    done.set_result();
    auto body = [&]() -> Task<> {
        current_task().cancel("self");
        co_await done.get_future();
        log("a done future is no wait");
        try {
            co_await sleep(0s);
        } catch (const CancelledError& error) {
            log(error.message());
        }
        co_await sleep(0s);
        log("once");
    };
    TaskHandle<> task = create_task(body());
    co_await task;
    CHECK(log.joined(", ") == "a done future is no wait, self, once");
    CHECK(task.cancelling() == 1);
    CHECK_FALSE(task.cancelled());
}

ASYNC_TEST_CASE("task state: who cancels himself and throws ends with the exception") {
    auto body = []() -> Task<> {
        current_task().cancel();
        throw std::runtime_error("boom");
        co_return;
    };
    TaskHandle<> task = create_task(body());
    co_await settled(task);
    CHECK_FALSE(task.cancelled());
    CHECK(thrown<std::runtime_error>([&] { task.result(); }) == "boom");
}

ASYNC_TEST_CASE("task state: a cancel after the result, before the resumption, wins") {
    Promise<int> promise = get_running_loop().create_future<int>();
    TaskHandle<int> task = create_task(waits_for(promise.get_future()));
    co_await sleep(0s);
    promise.set_result(5);
    CHECK(task.cancel("too late"));
    CHECK_FALSE(promise.cancelled());
    co_await settled(task);
    CHECK(task.cancelled());
    CHECK(thrown<CancelledError>([&] { static_cast<void>(task.result()); }) ==
          "cancelled: too late");
}

ASYNC_TEST_CASE("task state: a cancel after an exception, before the resumption, wins too") {
    Promise<int> promise = get_running_loop().create_future<int>();
    TaskHandle<int> task = create_task(waits_for(promise.get_future()));
    co_await sleep(0s);
    promise.set_exception(std::runtime_error("lost to the task"));
    task.cancel();
    co_await settled(task);
    CHECK(task.cancelled());
    CHECK(promise.get_future().exception() != nullptr);
}

ASYNC_TEST_CASE("task state: requests are counted, and taken back") {
    TaskHandle<> task = create_task(sleeps_for_ever());
    co_await sleep(0s);
    CHECK(task.cancelling() == 0);
    CHECK(task.uncancel() == 0);
    CHECK(task.cancel());
    CHECK(task.cancel());
    CHECK(task.cancelling() == 2);
    CHECK_FALSE(task.cancelled());
    CHECK(task.uncancel() == 1);
    co_await settled(task);
    CHECK(task.cancelled());
    CHECK_FALSE(task.cancel());
    CHECK(task.cancelling() == 1);
}

ASYNC_TEST_CASE("task state: an uncancel does not take back what was thrown into the wait") {
    TaskHandle<> task = create_task(sleeps_for_ever());
    co_await sleep(0s);
    task.cancel();
    CHECK(task.uncancel() == 0);
    co_await settled(task);
    CHECK(task.cancelled());
}

ASYNC_TEST_CASE("task state: a cancellation may be swallowed, and is not repeated") {
    auto stubborn = []() -> Task<int> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
        }
        co_await sleep(1s);
        co_return 5;
    };
    TaskHandle<int> task = create_task(stubborn());
    co_await sleep(0s);
    task.cancel();
    const int value = co_await task;
    CHECK(value == 5);
    CHECK(task.cancelling() == 1);
    CHECK_FALSE(task.cancelled());
    CHECK_FALSE(task.cancel());
    CHECK(task.cancelling() == 1);
}

ASYNC_TEST_CASE("task state: a second cancel during the clean-up is thrown there") {
    EventLog log;
    auto body = [&]() -> Task<> {
        bool again = false;
        try {
            co_await sleep(1h);
        } catch (const CancelledError& error) {
            log(error.message());
            again = true;
        }
        if (again) {
            try {
                co_await sleep(1h);
            } catch (const CancelledError& error) {
                log(error.message());
                throw;
            }
        }
    };
    TaskHandle<> task = create_task(body());
    co_await sleep(0s);
    task.cancel("first");
    co_await sleep(0s);
    task.cancel("second");
    co_await settled(task);
    CHECK(task.cancelled());
    CHECK(log.joined() == "first second");
}

ASYNC_TEST_CASE("task state: throwing CancelledError without a request ends cancelled") {
    auto body = []() -> Task<> {
        throw CancelledError("own idea");
        co_return;
    };
    TaskHandle<> task = create_task(body());
    co_await settled(task);
    CHECK(task.cancelled());
    CHECK(task.cancelling() == 0);
    CHECK(thrown<CancelledError>([&] { task.result(); }) == "cancelled: own idea");
}

ASYNC_TEST_CASE("task state: awaiting a cancelled task raises, and cancels only it") {
    TaskHandle<> task = create_task(sleeps_for_ever());
    task.cancel("its own");
    std::string text;
    try {
        co_await task;
    } catch (const CancelledError& error) {
        text = error.message();
    }
    CHECK(text == "its own");
    CHECK(current_task().cancelling() == 0);
    co_await sleep(0s);
}

ASYNC_TEST_CASE("task state: names are numbers unless given, and may be changed") {
    TaskHandle<> first = create_task(sleep(0s));
    TaskHandle<> second = create_task(sleep(0s));
    const int number = std::stoi(first.get_name().substr(5));
    CHECK(first.get_name() == "Task-" + std::to_string(number));
    CHECK(second.get_name() == "Task-" + std::to_string(number + 1));
    {
        const std::string name = "a name of more than fifteen letters";
        second = create_task(sleep(0s), {.name = name});
    }
    CHECK(second.get_name() == "a name of more than fifteen letters");
    second.set_name("other");
    CHECK(second.get_name() == "other");
    co_await second;
    CHECK(second.get_name() == "other");
}

ASYNC_TEST_CASE("task state: the running task is known, and only while it runs") {
    AnyTask seen;
    auto body = [&]() -> Task<> {
        seen = current_task();
        co_await sleep(0s);
        CHECK(seen == current_task());
    };
    const AnyTask self = current_task();
    TaskHandle<> task = create_task(body());
    co_await task;
    CHECK(seen == AnyTask(task));
    CHECK(self == current_task());
    std::string outside;
    get_running_loop().call_soon(
        [&] { outside = thrown<std::runtime_error>([] { static_cast<void>(current_task()); }); });
    co_await sleep(0s);
    CHECK(outside.find("no running task") == 0);
}

ASYNC_TEST_CASE("task state: an exception that nobody retrieved is reported with the task") {
    EventLoop& loop = get_running_loop();
    Reports reports(loop);
    auto fails = []() -> Task<> {
        throw std::runtime_error("boom");
        co_return;
    };
    create_task(fails(), {.name = "bad"});
    co_await sleep(0s);
    const std::string report = reports.only();
    CHECK(report.find("Task exception was never retrieved | future: <Task finished name='bad' "
                      "coro=<") == 0);
    CHECK(report.find(" exception=std::runtime_error('boom')> | created by: ") != report.npos);
    CHECK(report.find(" at task_state_test.cpp:") != std::string::npos);
    CHECK(report.ends_with(" | std::runtime_error: boom"));
}

TEST_CASE("task state: one that is destroyed while it is pending is reported") {
    const testing::Balance balance;
    {
        EventLoop loop;
        Reports reports(loop);
        TaskHandle<> task = loop.create_task(sleeps_for_ever(), {.name = "left"});
        run_one_turn(loop);
        CHECK(loop.statistics().tasks == 1);
        loop.close();
        CHECK(reports.only().find("Task was destroyed but it is pending! | task: <Task pending "
                                  "name='left' coro=<sleeps_for_ever() running at ") == 0);
        CHECK_FALSE(task.done());
        CHECK(loop.statistics().tasks == 0);
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("task state: one that is destroyed may be expected to be") {
    EventLoop loop;
    Reports reports(loop);
    TaskHandle<> task = loop.create_task(sleeps_for_ever());
    static_cast<detail::TaskStateBase&>(*task.shared_state()).expect_to_be_destroyed();
    loop.close();
    CHECK(reports.seen.empty());
}

namespace {

Task<> awaits_what_it_is_given(Future<AnyFuture> given) {
    AnyFuture future = co_await given;
    co_await future;
}

// A task that is going to wait for a gather() of itself, or for a task that waits for it; and what
// it waits for.
std::pair<AnyTask, AnyFuture> make_circle(bool through_gather) {
    EventLoop& loop = get_running_loop();
    Promise<AnyFuture> promise = loop.create_future<AnyFuture>();
    TaskHandle<> first = loop.create_task(awaits_what_it_is_given(promise.get_future()));
    AnyFuture second;
    if (through_gather) {
        const std::vector<TaskHandle<>> all = {first};
        second = gather(all);
    } else {
        auto waits = [](TaskHandle<> task) -> Task<> { co_await task; };
        second = loop.create_task(waits(first));
    }
    promise.set_result(second);
    return {first, second};
}

}  // namespace

ASYNC_TEST_CASE("task state: a circle of tasks that wait for each other can be cancelled") {
    for (const bool through_gather : {false, true}) {
        auto [task, awaited] = make_circle(through_gather);
        for (int turn = 0; turn < 3; ++turn) {
            co_await sleep(0s);
        }
        CHECK(task.shared_state()->repr().size() < 500);
        CHECK(task.cancel());
        co_await settled(task);
        CHECK(task.cancelled());
    }
}

ASYNC_TEST_CASE("task state: a circle that closes with a request to cancel on its way ends") {
    auto [task, awaited] = make_circle(false);
    static_cast<detail::TaskStateBase&>(*awaited.shared_state()).cancel_at_next_wait();
    co_await settled(task);
    CHECK(task.cancelled());
    CHECK(awaited.cancelled());
}

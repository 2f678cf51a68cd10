// Cancellations of task_group(), from outside and by its own errors, and its hops.
#include <ringio/tasks/task_group.hpp>

#include "scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<> sleep_then_fail(Delay delay, std::string text) {
    co_await sleep(delay);
    throw std::runtime_error(text);
}

Task<> fail_when_cancelled(std::string text) {
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        throw std::runtime_error(text);
    }
}

/// A body whose task fails after 3 s, and which takes 5 s to clean up when it is cancelled.
Task<> slow_to_leave(TaskGroup& group) {
    group.create_task(sleep_then_fail(3s, "crash"));
    bool cancelled = false;
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        cancelled = true;
    }
    if (cancelled) {
        co_await sleep(5s);
        throw CancelledError();
    }
}

/// Runs a group with one stubborn task, and logs how it ends.
Task<> group_of_stubborn(EventLog& log, int turns, int ticks, bool with_worker) {
    auto body = [&](TaskGroup& group) -> Task<> {
        if (with_worker) {
            group.create_task(work(log, "a", 9));
        }
        group.create_task(stubborn(log, "s", turns, ticks));
        co_return;
    };
    const auto end = co_await told(task_group(body));
    log(end + " c=" + std::to_string(current_task().cancelling()));
}

}  // namespace

ASYNC_TEST_CASE("task_group: cancelled from outside, it cancels its tasks and waits for them") {
    EventLog log;
    auto runner = create_task(group_of_stubborn(log, 50, 0, false));
    co_await sleep(1s);
    runner.cancel();
    co_await runner;
    CHECK(log.joined() == "s cancelled s cleaned CancelledError c=1");
}

ASYNC_TEST_CASE("task_group: cancelled in the body, the body is cancelled and so are the tasks",
                "[any_order]") {
    TaskHandle<> child;
    auto body = [&child](TaskGroup& group) -> Task<> {
        child = group.create_task(sleep(1h));
        co_await sleep(1h);
    };
    auto runner = create_task(task_group(body));
    co_await sleep(1s);
    runner.cancel();
    const auto end = co_await told(runner);
    CHECK(end == "CancelledError");
    CHECK(runner.cancelled());
    CHECK(child.cancelled());
}

ASYNC_TEST_CASE("task_group: a body that cancels its own task and returns: cancelled") {
    EventLog log;
    auto body = [&log](TaskGroup& group) -> Task<> {
        group.create_task(work(log, "a", 0));
        group.create_task(work(log, "b", 0));
        current_task().cancel();
        co_return;
    };
    auto runner = create_task(task_group(body));
    const auto end = co_await told(runner);
    CHECK(end == "CancelledError");
    CHECK(log.joined() == "a+ a- b+ b-");  // they were queued before the cancel struck
}

ASYNC_TEST_CASE("task_group: without tasks, cancelled in the body") {
    auto runner = create_task(task_group([](TaskGroup&) { return yield(100); }));
    co_await sleep(0s);
    runner.cancel();
    const auto end = co_await told(runner);
    CHECK(end == "CancelledError");
}

ASYNC_TEST_CASE("task_group: cancelled from outside, the errors of its tasks win") {
    auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(fail_when_cancelled("a"));
        group.create_task(fail_when_cancelled("b"));
        co_return;
    };
    auto runner = create_task(task_group(body));
    co_await sleep(1s);
    runner.cancel();
    const auto end = co_await told(runner);
    CHECK(end == "group(a, b)");
}

ASYNC_TEST_CASE("task_group: cancelled from outside while it leaves, the error of its body wins") {
    EventLog log;
    auto body = [&](TaskGroup& group) -> Task<> {
        group.create_task(stubborn(log, "child", 3, 0));
        co_await yield(1);
        throw std::runtime_error("body");
    };
    auto runner = create_task(task_group(body));
    co_await yield(4);
    CHECK(log.joined() == "child cancelled");
    runner.cancel();
    const auto end = co_await told(runner);
    CHECK(end == "group(body)");
    CHECK(runner.cancelling() == 1);
}

ASYNC_TEST_CASE("task_group: a task fails while the body cleans up after a cancel from outside",
                "[any_order]") {
    auto runner = create_task(task_group(slow_to_leave));
    co_await sleep(1s);
    runner.cancel();
    const auto end = co_await told(runner);
    CHECK(end == "group(crash)");
}

ASYNC_TEST_CASE("task_group: the same when it is awaited by the task that is cancelled",
                "[any_order]") {
    auto outer = []() -> Task<> { co_await create_task(task_group(slow_to_leave)); };
    auto runner = create_task(outer());
    co_await sleep(1s);
    runner.cancel();
    const auto end = co_await told(runner);
    CHECK(end == "group(crash)");
}

ASYNC_TEST_CASE("task_group: a body that replaces CancelledError by another error", "[any_order]") {
    TaskHandle<> child;
    auto body = [&child](TaskGroup& group) -> Task<> {
        child = group.create_task(sleep(1h));
        co_await fail_when_cancelled("replaced");
    };
    auto runner = create_task(task_group(body));
    co_await sleep(1s);
    runner.cancel();
    const auto end = co_await told(runner);
    CHECK(end == "group(replaced)");
    CHECK(child.cancelled());
}

ASYNC_TEST_CASE("task_group: an error and a cancel from outside: the cancel strikes afterwards") {
    EventLog log;
    auto inner = [&log]() -> Task<> {
        auto body = [](TaskGroup& group) -> Task<> {
            group.create_task([]() -> Task<> {
                co_await sleep(0s);
                throw std::runtime_error("bad");
            }());
            co_await sleep(1h);
        };
        const auto end = co_await told(task_group(body));
        log(end + " c=" + std::to_string(current_task().cancelling()));
        co_await sleep(1h);
        log("not reached");
    };
    auto task = create_task(inner());
    co_await yield(2);
    CHECK(task.cancelling() == 0);
    task.cancel();
    CHECK(task.cancelling() == 1);
    const auto end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK(task.cancelled());
    CHECK(log.joined() == "group(bad) c=1");
}

ASYNC_TEST_CASE("task_group: a count of earlier cancellations is left as it was", "[any_order]") {
    auto outer = []() -> Task<std::string> {
        current_task().cancel();
        const auto first = co_await told(sleep(1s));
        auto body = [](TaskGroup& group) -> Task<> {
            group.create_task(sleep_then_fail(1s, "bad"));
            co_await sleep(1h);
        };
        const auto second = co_await told(task_group(body));
        co_return first + " " + second + " " + std::to_string(current_task().cancelling());
    };
    auto task = create_task(outer());
    const auto end = co_await told(task);
    CHECK(task.cancelling() == 1);
    CHECK(end == "CancelledError");
}

ASYNC_TEST_CASE("task_group: the body swallows the cancel that a failed task sent", "[any_order]") {
    auto body = [](TaskGroup& group) -> Task<int> {
        group.create_task(sleep_then_fail(1s, "bad"));
        const auto end = co_await told(sleep(1h));
        CHECK(end == "CancelledError");
        co_return 1;
    };
    const auto end = co_await told(task_group(body));
    CHECK(end == "group(bad)");
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("task_group: a task fails in the turn in which the body ends", "[any_order]") {
    Promise<> promise = get_running_loop().create_future<void>();
    auto body = [&promise](TaskGroup& group) -> Task<> {
        Future<> future = promise.get_future();
        group.create_task([](Future<> until) -> Task<> {
            co_await until;
            throw std::runtime_error("bad");
        }(future));
        co_await future;
    };
    get_running_loop().call_later(1s, [&promise] { promise.set_result(); });
    const auto end = co_await told(task_group(body));
    CHECK(end == "group(bad)");
    CHECK(current_task().cancelling() == 0);
    co_await sleep(1s);  // nothing is left over
}

ASYNC_TEST_CASE("task_group: cancelled in the turn in which its last task ends: cancelled") {
    Promise<> promise = get_running_loop().create_future<void>();
    auto body = [&promise](TaskGroup& group) -> Task<> {
        group.create_task(joined(promise.get_future()));
        co_return;
    };
    auto runner = create_task(task_group(body));
    co_await yield(2);
    promise.set_result();
    co_await yield(2);  // the group knows; its parent is queued
    runner.cancel();
    const auto end = co_await told(runner);
    CHECK(end == "CancelledError");
}

ASYNC_TEST_CASE("task_group: leaves one hop after it heard of the last task") {
    EventLog log;
    auto ticks = create_task(tick(log, 8));
    auto body = [&log](TaskGroup& group) -> Task<> {
        group.create_task(work(log, "a", 1));
        group.create_task(work(log, "b", 2));
        log("body");
        co_return;
    };
    co_await task_group(body);
    log("out");
    co_await ticks;
    CHECK(log.joined() == "body 1 a+ b+ 2 a- 3 b- 4 5 out 6 7 8");
}

ASYNC_TEST_CASE("task_group: without tasks it does not yield") {
    EventLog log;
    auto ticks = create_task(tick(log, 3));
    co_await task_group([](TaskGroup&) -> Task<> { co_return; });
    log("out");
    co_await ticks;
    CHECK(log.joined() == "out 1 2 3");
}

ASYNC_TEST_CASE("task_group: hops of an error while the body runs") {
    EventLog log;
    auto ticks = create_task(tick(log, 9));
    auto body = [&log](TaskGroup& group) -> Task<> {
        group.create_task(failing(log, "a", 1, "x"));
        group.create_task(work(log, "b", 6));
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            log("body cancelled");
            throw;
        }
    };
    const auto end = co_await told(task_group(body));
    log(end);
    log("c=" + std::to_string(current_task().cancelling()));
    co_await ticks;
    CHECK(log.joined() == "1 a+ b+ 2 a- 3 4 body cancelled 5 group(x) c=0 6 7 8 9");
}

ASYNC_TEST_CASE("task_group: hops of an error while the group waits") {
    EventLog log;
    auto ticks = create_task(tick(log, 9));
    auto body = [&log](TaskGroup& group) -> Task<> {
        group.create_task(failing(log, "a", 1, "x"));
        group.create_task(work(log, "b", 6));
        co_return;
    };
    const auto end = co_await told(task_group(body));
    log(end);
    log("c=" + std::to_string(current_task().cancelling()));
    co_await ticks;
    CHECK(log.joined() == "1 a+ b+ 2 a- 3 4 5 group(x) c=0 6 7 8 9");
}

ASYNC_TEST_CASE("task_group: hops of an error of the body") {
    EventLog log;
    auto ticks = create_task(tick(log, 9));
    auto body = [&log](TaskGroup& group) -> Task<> {
        group.create_task(work(log, "a", 6));
        co_await sleep(0s);
        log("raise");
        throw std::runtime_error("x");
    };
    const auto end = co_await told(task_group(body));
    log(end);
    co_await ticks;
    CHECK(log.joined() == "1 a+ raise 2 3 4 group(x) 5 6 7 8 9");
}

ASYNC_TEST_CASE("task_group: hops of a cancel from outside") {
    EventLog log;
    auto runner = create_task(group_of_stubborn(log, 2, 7, true));
    co_await yield(3);
    log("cancel");
    runner.cancel();
    co_await runner;
    log("done");
    co_await yield(6);
    CHECK(log.joined() == "a+ cancel s cancelled 1 2 s cleaned 3 4 CancelledError c=1 5 done 6 7");
}

ASYNC_TEST_CASE("task_group: hops of two cancels from outside") {
    EventLog log;
    auto runner = create_task(group_of_stubborn(log, 4, 9, false));
    co_await yield(3);
    log("cancel");
    runner.cancel();
    co_await yield(2);
    log("again");
    runner.cancel();
    co_await runner;
    log("done");
    co_await yield(6);
    CHECK(log.joined() ==
          "cancel s cancelled again 1 2 3 4 s cleaned 5 6 CancelledError c=2 7 done 8 9");
}

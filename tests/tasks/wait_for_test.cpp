#include <ringio/tasks/wait_for.hpp>

#include "scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<std::string> refuses_to_end(EventLog& log) {
    bool cancelled = false;
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        cancelled = true;
    }
    log(cancelled ? "ignored" : "not cancelled");
    co_return "refused";
}

Task<std::string> fails_when_cancelled() {
    bool cancelled = false;
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        cancelled = true;
    }
    if (cancelled) {
        throw std::runtime_error("while cancelled");
    }
    co_return "";
}

}  // namespace

ASYNC_TEST_CASE("wait_for: gives the result of a coroutine, a task, a future and a sleep",
                "[any_order]") {
    const int first = co_await wait_for(give_after(1s, 1), 2s);
    CHECK(first == 1);
    auto task = create_task(give_after(1s, 2));
    const int second = co_await wait_for(task, 2s);
    CHECK(second == 2);
    Promise<int> promise = get_running_loop().create_future<int>();
    promise.set_result(3);
    const int third = co_await wait_for(promise.get_future(), 2s);
    CHECK(third == 3);
    co_await wait_for(sleep(1s), 2s);
    const int fifth = co_await wait_for(give_after(1h, 5), std::nullopt);
    CHECK(fifth == 5);
    CHECK(get_running_loop().statistics().timers == 0);
}

ASYNC_TEST_CASE("wait_for: throws TimeoutError, which says so, when the limit passes",
                "[any_order]") {
    auto task = create_task(give_after(10s, 1));
    std::string text = "none";
    try {
        co_await wait_for(task, 5s);
    } catch (const TimeoutError& error) {
        text = error.what();
    }
    CHECK(text == "timed out");
    CHECK(task.cancelled());
    CHECK(get_running_loop().time().time_since_epoch() == 5s);
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("wait_for: a coroutine runs within the task that waits", "[any_order]") {
    AnyTask inside;
    auto look = [&inside]() -> Task<> {
        inside = current_task();
        co_return;
    };
    co_await wait_for(look(), 1s);
    CHECK(inside == current_task());
}

ASYNC_TEST_CASE("wait_for: passes on what the awaitable throws", "[any_order]") {
    const auto end = co_await told(wait_for(fail_after(1s, "bad"), 5s));
    CHECK(end == "bad");
}

ASYNC_TEST_CASE("wait_for: with a limit of zero or less a coroutine never starts") {
    EventLog log;
    for (const Delay limit : {Delay(0s), Delay(-1s)}) {
        const auto end = co_await told(wait_for(work(log, "a", 0), limit));
        CHECK(end == "TimeoutError");
    }
    CHECK(log.joined() == "");
}

ASYNC_TEST_CASE("wait_for: with a limit of zero or less a future that is done gives its result",
                "[any_order]") {
    Promise<int> promise = get_running_loop().create_future<int>();
    promise.set_result(3);
    for (const Delay limit : {Delay(0s), Delay(-1s)}) {
        const int value = co_await wait_for(promise.get_future(), limit);
        CHECK(value == 3);
    }
}

ASYNC_TEST_CASE("wait_for: with a limit of zero a future that was cancelled before says so",
                "[any_order]") {
    Promise<int> promise = get_running_loop().create_future<int>();
    promise.get_future().cancel();
    const auto end = co_await told(wait_for(promise.get_future(), 0s));
    CHECK(end == "CancelledError");
}

ASYNC_TEST_CASE("wait_for: with a limit of zero a running task is cancelled and waited for") {
    EventLog log;
    auto task = create_task(stubborn(log, "a", 2, 0));
    co_await sleep(0s);
    const auto end = co_await told(wait_for(task, 0s));
    CHECK(end == "TimeoutError");
    CHECK(task.cancelled());
    CHECK(log.joined() == "a cancelled a cleaned");
}

ASYNC_TEST_CASE("wait_for: waits for the cleaning up, even when that takes longer than the limit") {
    EventLog log;
    auto task = create_task(stubborn(log, "a", 50, 0));
    const auto end = co_await told(wait_for(task, 1s));
    CHECK(end == "TimeoutError");
    CHECK(log.joined() == "a cancelled a cleaned");
    CHECK(task.done());
}

ASYNC_TEST_CASE("wait_for: one that refuses to be cancelled gives its result") {
    EventLog log;
    const auto in_place = co_await told(wait_for(refuses_to_end(log), 1s));
    CHECK(in_place == "refused");
    auto task = create_task(refuses_to_end(log));
    const auto as_task = co_await told(wait_for(task, 1s));
    CHECK(as_task == "refused");
    auto third = create_task(refuses_to_end(log));
    co_await sleep(0s);
    const auto at_once = co_await told(wait_for(third, 0s));
    CHECK(at_once == "refused");
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("wait_for: an error while being cancelled replaces TimeoutError") {
    const auto end = co_await told(wait_for(fails_when_cancelled(), 1s));
    CHECK(end == "while cancelled");
    auto task = create_task(fails_when_cancelled());
    const auto as_task = co_await told(wait_for(task, 1s));
    CHECK(as_task == "while cancelled");
    auto third = create_task(fails_when_cancelled());
    co_await sleep(0s);
    const auto at_once = co_await told(wait_for(third, 0s));
    CHECK(at_once == "while cancelled");
}

ASYNC_TEST_CASE("wait_for: cancelling it cancels a task, and waits for it") {
    EventLog log;
    auto inner = create_task(stubborn(log, "a", 2, 7));
    auto waiting = [](EventLog& into, TaskHandle<> task) -> Task<> {
        try {
            co_await wait_for(task, 10s);
        } catch (const CancelledError&) {
            into("out");
        }
    };
    auto waiter = create_task(waiting(log, inner));
    co_await yield(2);
    waiter.cancel();
    log("cancel");
    co_await waiter;
    log("done");
    co_await yield(6);
    CHECK(log.joined() == "cancel a cancelled 1 2 a cleaned 3 out 4 done 5 6 7");
    CHECK(inner.cancelled());
}

ASYNC_TEST_CASE("wait_for: cancelling it cancels a future") {
    Promise<> promise = get_running_loop().create_future<void>();
    auto waiter = create_task(wait_for(promise.get_future(), 10s));
    co_await sleep(0s);
    waiter.cancel();
    const auto end = co_await told(waiter);
    CHECK(end == "CancelledError");
    CHECK(promise.cancelled());
    CHECK(get_running_loop().statistics().timers == 0);
}

ASYNC_TEST_CASE(
    "wait_for: cancelled from outside while the inner one refuses, it gives the result") {
    EventLog log;
    auto waiter = create_task(wait_for(create_task(refuses_to_end(log)), 10s));
    co_await yield(2);
    waiter.cancel();
    const std::string value = co_await waiter;
    CHECK(value == "refused");
}

ASYNC_TEST_CASE("wait_for: cancelled in the turn in which the future is done, it is cancelled") {
    for (const bool cancel_first : {false, true}) {
        Promise<int> promise = get_running_loop().create_future<int>();
        auto waiter = create_task(wait_for(promise.get_future(), 10s));
        co_await sleep(0s);
        if (cancel_first) {
            waiter.cancel();
            CHECK(promise.done());
        } else {
            promise.set_result(1);
            waiter.cancel();
        }
        const auto end = co_await told(waiter);
        CHECK(end == "CancelledError");
    }
}

ASYNC_TEST_CASE("wait_for: done in the instant in which the limit passes, the timeout wins",
                "[any_order]") {
    // Both timers are due in the same turn; the result is there, but the cancel comes before it
    // is taken.
    EventLoop& loop = get_running_loop();
    Promise<int> promise = loop.create_future<int>();
    loop.call_later(1s, [promise]() mutable { promise.set_result(1); });
    const auto end = co_await told(wait_for(promise.get_future(), 1s));
    CHECK(end == "TimeoutError");
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("wait_for: a cancel from outside after the limit passed is not lost") {
    EventLog log;
    auto inner = create_task(stubborn(log, "a", 5, 0));
    auto waiter = create_task(wait_for(inner, 1s));
    co_await sleep(1s);
    co_await yield(2);
    CHECK(log.joined() == "a cancelled");
    waiter.cancel();
    const auto end = co_await told(waiter);
    CHECK(end == "CancelledError");
}

ASYNC_TEST_CASE("wait_for: a shielded task goes on", "[any_order]") {
    auto inner = create_task(give_after(5s, 1));
    const auto limited = co_await told(wait_for(shield(inner), 1s));
    CHECK(limited == "TimeoutError");
    const auto zero = co_await told(wait_for(shield(inner), 0s));
    CHECK(zero == "TimeoutError");
    CHECK_FALSE(inner.done());
    const int value = co_await wait_for(shield(inner), std::nullopt);
    CHECK(value == 1);
}

ASYNC_TEST_CASE("wait_for: at once and cancelled, while the future ends, does no harm") {
    // The future's callback is queued behind the step in which the frame goes.
    EventLog log;
    auto inner = create_task(stubborn(log, "a", 2, 0));
    co_await sleep(0s);
    auto waiter = create_task(told(wait_for(inner, 0s)));
    co_await yield(3);
    waiter.cancel();  // the inner one ends in the same turn, later
    const std::string end = co_await waiter;
    CHECK(end == "CancelledError");
    co_await yield(5);
    CHECK(inner.done());
}

ASYNC_TEST_CASE("wait_for: needs no hop of its own for a coroutine, and one for a task") {
    EventLog log;
    auto ticks = create_task(tick(log, 5));
    co_await wait_for(work(log, "a", 2), 10s);
    log("got");
    co_await ticks;
    CHECK(log.joined() == "a+ 1 2 a- got 3 4 5");

    log.clear();
    ticks = create_task(tick(log, 6));
    co_await wait_for(create_task(work(log, "a", 1)), 10s);
    log("got");
    co_await ticks;
    CHECK(log.joined() == "1 a+ 2 a- 3 got 4 5 6");
}

ASYNC_TEST_CASE("wait_for: hops of a limit of zero") {
    EventLog log;
    auto ticks = create_task(tick(log, 6));
    const auto coroutine = co_await told(wait_for(work(log, "a", 2), 0s));
    log("timeout");
    co_await ticks;
    CHECK(log.joined() == "1 2 3 timeout 4 5 6");
    CHECK(coroutine == "TimeoutError");

    log.clear();
    auto task = create_task(work(log, "a", 5));
    ticks = create_task(tick(log, 6));
    co_await sleep(0s);
    const auto end = co_await told(wait_for(task, 0s));
    log("timeout");
    co_await ticks;
    CHECK(log.joined() == "a+ 1 2 3 timeout 4 5 6");
    CHECK(end == "TimeoutError");
}

ASYNC_TEST_CASE("wait_for: hops of a limit that passes") {
    EventLog log;
    const auto end = co_await told(wait_for(create_task(stubborn(log, "a", 2, 7)), 1s));
    log("timeout");
    co_await yield(6);
    CHECK(log.joined() == "a cancelled 1 2 a cleaned 3 timeout 4 5 6 7");
    CHECK(end == "TimeoutError");
}

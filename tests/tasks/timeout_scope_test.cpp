// The Timeout object itself: its states, reschedule(), its repr, and races at the deadline.
#include <ringio/tasks/timeout.hpp>

#include "scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Timeout::TimePoint now() { return get_running_loop().time(); }

}  // namespace

ASYNC_TEST_CASE("timeout: reschedule moves the deadline, both ways, and takes it away",
                "[any_order]") {
    const auto begin = now();
    auto later = [](Timeout& scope) -> Task<> {
        scope.reschedule(now() + 5s);
        co_await sleep(1h);
    };
    auto end = co_await told(timeout(1s, later));
    CHECK(end == "TimeoutError");
    CHECK(now() - begin == 5s);

    auto sooner = [](Timeout& scope) -> Task<> {
        scope.reschedule(now() + 1s);
        co_await sleep(1h);
    };
    end = co_await told(timeout(1h, sooner));
    CHECK(end == "TimeoutError");
    CHECK(now() - begin == 6s);

    auto never = [](Timeout& scope) -> Task<> {
        scope.reschedule(std::nullopt);
        CHECK_FALSE(scope.when().has_value());
        co_await sleep(1h);
    };
    end = co_await told(timeout(1s, never));
    CHECK(end == "none");

    auto past = [](Timeout& scope) -> Task<> {
        scope.reschedule(now());
        co_await sleep(1h);
    };
    end = co_await told(timeout(std::nullopt, past));
    CHECK(end == "TimeoutError");
}

ASYNC_TEST_CASE("timeout: one that is due can still be moved before the loop turns",
                "[any_order]") {
    auto body = [](Timeout& scope) -> Task<> {
        scope.reschedule(now() + 5s);
        co_await sleep(1s);
    };
    const auto end = co_await told(timeout(0s, body));
    CHECK(end == "none");
}

ASYNC_TEST_CASE("timeout: reschedule is refused while expiring and afterwards", "[any_order]") {
    Timeout expiring(now() + 1s);
    expiring.enter();
    const auto cancelled = co_await told(sleep(1h));
    CHECK(cancelled == "CancelledError");
    CHECK(thrown_by([&] { expiring.reschedule(now()); }) ==
          "Cannot change state of expiring Timeout");
    expiring.leave(nullptr);
    CHECK(expiring.expired());
    CHECK(thrown_by([&] { expiring.reschedule(now()); }) ==
          "Cannot change state of expired Timeout");

    Timeout finished(now() + 1s);
    finished.enter();
    finished.leave(nullptr);
    CHECK_FALSE(finished.expired());
    CHECK(thrown_by([&] { finished.reschedule(now()); }) ==
          "Cannot change state of finished Timeout");
}

ASYNC_TEST_CASE("timeout: reschedule is refused before the scope") {
    Timeout scope(now());
    CHECK(thrown_by([&] { scope.reschedule(now()); }) == "Timeout has not been entered");
    co_return;
}

ASYNC_TEST_CASE("timeout: is entered once") {
    Timeout scope(std::nullopt);
    scope.enter();
    CHECK(thrown_by([&] { scope.enter(); }) == "Timeout has already been entered");
    scope.leave(nullptr);
    CHECK(thrown_by([&] { scope.enter(); }) == "Timeout has already been entered");
    co_return;
}

ASYNC_TEST_CASE("timeout: needs a task") {
    std::string text;
    get_running_loop().call_soon([&text] {
        Timeout scope(std::nullopt);
        text = thrown_by([&] { scope.enter(); });
        text += "; " + thrown_by([&] { scope.reschedule(std::nullopt); });
    });
    co_await sleep(0s);
    CHECK(text == "Timeout should be used inside a task; Timeout has not been entered");
}

ASYNC_TEST_CASE("timeout: repr says its state, and the deadline of an active one", "[any_order]") {
    Timeout scope(now() + 2500ms);
    CHECK(scope.repr() == "<Timeout [created]>");
    scope.enter();
    CHECK(scope.repr() == "<Timeout [active] when=2.5>");
    scope.reschedule(now() + 10s);
    CHECK(scope.repr() == "<Timeout [active] when=10.0>");
    scope.reschedule(now() + 1234567us);
    CHECK(scope.repr() == "<Timeout [active] when=1.235>");
    const auto cancelled = co_await told(sleep(1h));
    CHECK(cancelled == "CancelledError");
    CHECK(scope.repr() == "<Timeout [expiring]>");
    scope.leave(nullptr);
    CHECK(scope.repr() == "<Timeout [expired]>");

    Timeout endless(std::nullopt);
    endless.enter();
    CHECK(endless.repr() == "<Timeout [active] when=None>");
    endless.leave(nullptr);
    CHECK(endless.repr() == "<Timeout [finished]>");
}

ASYNC_TEST_CASE("timeout: a deadline beyond the clock's range is no deadline", "[any_order]") {
    const auto end =
        co_await told(timeout(std::chrono::hours::max(), [] { return give_after(1h, 1); }));
    CHECK(end == "1");
}

ASYNC_TEST_CASE("timeout: a body that ends in the instant of the deadline", "[any_order]") {
    // The scope's timer was armed first, so it strikes first, and the cancellation wins.
    const auto end = co_await told(timeout(1s, [] { return give_after(1s, 1); }));
    CHECK(end == "TimeoutError");
    // Here the body's timer is older: its task is queued before the scope strikes, yet it resumes
    // after that.
    auto task = create_task(give_after(1s, 1));
    co_await sleep(0s);
    auto wait = [&task]() -> Task<int> { co_return co_await task; };
    const auto second = co_await told(timeout(1s, wait));
    CHECK(second == "TimeoutError");
    CHECK(task.cancelling() + (task.cancelled() ? 1U : 0U) >= 1U);
}

ASYNC_TEST_CASE("timeout: deadline and a cancel from outside in the same turn: cancelled",
                "[any_order]") {
    for (const bool cancel_first : {false, true}) {
        EventLoop& loop = get_running_loop();
        TaskHandle<> task;
        if (cancel_first) {
            loop.call_later(1s, [&task] { task.cancel(); });
        }
        task = create_task(timeout(1s, []() -> Task<> { co_await sleep(1h); }));
        co_await sleep(0s);
        if (!cancel_first) {
            loop.call_later(1s, [&task] { task.cancel(); });
        }
        const auto end = co_await told(task);
        CHECK(end == "CancelledError");
        CHECK(task.cancelled());
    }
}

ASYNC_TEST_CASE("timeout: cancelled while the body cleans up after the deadline: cancelled") {
    EventLog log;
    auto body = [&log] { return stubborn(log, "a", 5, 0); };
    auto task = create_task(timeout(1s, body));
    co_await sleep(1s);
    co_await yield(2);
    CHECK(log.joined() == "a cancelled");
    task.cancel();
    const auto end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK(task.cancelling() == 1);
}

ASYNC_TEST_CASE("timeout: costs no hop when it does not fire") {
    EventLog log;
    auto ticks = create_task(tick(log, 4));
    auto body = [&log]() -> Task<> {
        log("in");
        co_await sleep(0s);
        log("still");
    };
    co_await timeout(10s, body);
    log("out");
    co_await ticks;
    CHECK(log.joined() == "in 1 still out 2 3 4");
}

ASYNC_TEST_CASE("timeout: hops of a deadline in the past") {
    EventLog log;
    auto ticks = create_task(tick(log, 5));
    auto spin = [&log]() -> Task<> {
        log("in");
        co_await sleep(0s);
        log("1st");
        co_await sleep(0s);
        log("2nd");
    };
    auto end = co_await told(timeout(-1s, spin));
    log(end);
    co_await ticks;
    CHECK(log.joined() == "in 1 TimeoutError 2 3 4 5");

    log.clear();
    ticks = create_task(tick(log, 5));
    Promise<> never = get_running_loop().create_future<void>();
    auto wait = [&log, future = never.get_future()]() -> Task<> {
        log("in");
        co_await future;
    };
    end = co_await told(timeout(0s, wait));
    log(end);
    co_await ticks;
    CHECK(log.joined() == "in 1 2 TimeoutError 3 4 5");
}

ASYNC_TEST_CASE("timeout: hops of a deadline that passes") {
    EventLog log;
    auto body = [&log] { return stubborn(log, "a", 2, 6); };
    const auto end = co_await told(timeout(1s, body));
    log(end);
    co_await yield(6);
    CHECK(log.joined() == "a cancelled 1 2 a cleaned TimeoutError 3 4 5 6");
}

ASYNC_TEST_CASE("timeout: a cancellation still due when the scope begins is not taken for its own",
                "[any_order]") {
    // CPython counts, and cannot tell who cancelled: it gives TimeoutError (gh-134471).
    auto body = []() -> Task<std::string> {
        current_task().cancel();
        const auto end = co_await told(timeout(0s, []() -> Task<> { co_await sleep(1h); }));
        co_return end + " " + std::to_string(current_task().cancelling());
    };
    const std::string text = co_await create_task(body());
    CHECK(text == "CancelledError 1");
}

ASYNC_TEST_CASE("timeout: fires as ever once the body has taken an earlier cancellation",
                "[any_order]") {
    auto inner = []() -> Task<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            current_task().set_name("took it");
        }
        co_await sleep(1h);
    };
    auto body = [inner]() -> Task<std::string> {
        current_task().cancel();
        const auto end = co_await told(timeout(1s, inner));
        co_return end + " " + std::to_string(current_task().cancelling());
    };
    const std::string text = co_await create_task(body());
    CHECK(text == "TimeoutError 1");
}

#include <ringio/tasks/timeout.hpp>

#include <ringio/base/scope_exit.hpp>

#include "scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Timeout::TimePoint now() { return get_running_loop().time(); }

Task<> long_sleep() { co_await sleep(1h); }

}  // namespace

ASYNC_TEST_CASE("timeout: throws TimeoutError, which says so, when the deadline passes",
                "[any_order]") {
    std::string text = "none";
    const auto begin = now();
    try {
        co_await timeout(2s, long_sleep);
    } catch (const TimeoutError& error) {
        text = error.what();
    }
    CHECK(text == "timed out");
    CHECK(now() - begin == 2s);
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("timeout: gives the result of the body, with and without a parameter",
                "[any_order]") {
    const int with = co_await timeout(2s, [](Timeout&) -> Task<int> { co_return 1; });
    CHECK(with == 1);
    const int without = co_await timeout(2s, []() -> Task<int> { co_return 2; });
    CHECK(without == 2);
    CHECK(get_running_loop().statistics().timers == 0);
}

ASYNC_TEST_CASE("timeout: says when it is due and whether it has expired", "[any_order]") {
    const auto due = now() + 2s;
    bool expired = false;
    bool before = true;
    std::optional<Timeout::TimePoint> when;
    auto body = [&](Timeout& scope) -> Task<> {
        before = scope.expired();
        when = scope.when();
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            expired = scope.expired();
            throw;
        }
    };
    const auto end = co_await told(timeout(2s, body));
    CHECK(end == "TimeoutError");
    CHECK(when == due);
    CHECK_FALSE(before);
    CHECK(expired);
}

ASYNC_TEST_CASE("timeout: timeout_at takes a point in time", "[any_order]") {
    const auto due = now() + 3s;
    const auto end = co_await told(timeout_at(due, long_sleep));
    CHECK(end == "TimeoutError");
    CHECK(now() == due);
    const auto past = co_await told(timeout_at(now() - 1s, long_sleep));
    CHECK(past == "TimeoutError");
    CHECK(now() == due);
}

ASYNC_TEST_CASE("timeout: without a limit it never fires", "[any_order]") {
    auto body = [](Timeout& scope) -> Task<> {
        CHECK_FALSE(scope.when().has_value());
        co_await sleep(1h);
    };
    const auto first = co_await told(timeout(std::nullopt, body));
    CHECK(first == "none");
    const auto second = co_await told(timeout_at(std::nullopt, body));
    CHECK(second == "none");
}

ASYNC_TEST_CASE("timeout: a body that never suspends is not interrupted", "[any_order]") {
    bool expired = true;
    auto body = [&expired](Timeout& scope) -> Task<> {
        co_await give(1);
        expired = scope.expired();
    };
    co_await timeout(0s, body);
    co_await timeout(-1s, body);
    CHECK_FALSE(expired);
    co_await sleep(1s);  // no late cancellation
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("timeout: of zero, or in the past, strikes at the first turn of the loop") {
    for (const Delay limit : {Delay(0s), Delay(-1s)}) {
        const auto end = co_await told(timeout(limit, [] { return yield(2); }));
        CHECK(end == "TimeoutError");
    }
}

ASYNC_TEST_CASE("timeout: an error of the body goes through, and disarms it", "[any_order]") {
    const auto end = co_await told(timeout(1s, []() { return fail_with("bad"); }));
    CHECK(end == "bad");
    CHECK(get_running_loop().statistics().timers == 0);
    co_await sleep(2s);
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("timeout: an error that the body throws when it is cancelled goes through",
                "[any_order]") {
    auto body = []() -> Task<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            throw std::runtime_error("bad");
        }
    };
    const auto end = co_await told(timeout(1s, body));
    CHECK(end == "bad");
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("timeout: a body that swallows the cancellation ends without an error",
                "[any_order]") {
    bool expired = false;
    auto body = [&expired](Timeout& scope) -> Task<int> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
        }
        expired = scope.expired();
        co_return 5;
    };
    const int value = co_await timeout(1s, body);
    CHECK(value == 5);
    CHECK(expired);
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("timeout: cancels the future that the body awaits", "[any_order]") {
    Promise<> promise = get_running_loop().create_future<void>();
    auto body = [future = promise.get_future()]() -> Task<> { co_await future; };
    const auto end = co_await told(timeout(1s, body));
    CHECK(end == "TimeoutError");
    CHECK(promise.cancelled());
}

ASYNC_TEST_CASE("timeout: the task around it is not cancelled", "[any_order]") {
    auto task = create_task(told(timeout(1s, long_sleep)));
    const std::string end = co_await task;
    CHECK(end == "TimeoutError");
    CHECK_FALSE(task.cancelled());
}

ASYNC_TEST_CASE("timeout: a cancellation from outside goes through", "[any_order]") {
    bool expired = true;
    auto body = [&expired](Timeout& scope) -> Task<> {
        const ScopeExit look([&] { expired = scope.expired(); });
        co_await sleep(1h);
    };
    auto task = create_task(timeout(10s, body));
    co_await sleep(1s);
    task.cancel();
    const auto end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK(task.cancelled());
    CHECK_FALSE(expired);
    CHECK(get_running_loop().statistics().timers == 0);
}

ASYNC_TEST_CASE("timeout: a task that cancels itself inside is cancelled, not timed out",
                "[any_order]") {
    auto body = []() -> Task<> {
        current_task().cancel();
        co_await sleep(1h);
    };
    const auto end = co_await told(timeout(10s, body));
    CHECK(end == "CancelledError");
    current_task().uncancel();
}

ASYNC_TEST_CASE("timeout: nested, the inner deadline first") {
    EventLog log;
    auto outer = [&log]() -> Task<> {
        const auto end = co_await told(timeout(1s, long_sleep));
        log("inner:" + end);
    };
    const auto end = co_await told(timeout(5s, outer));
    CHECK(log.joined() == "inner:TimeoutError");
    CHECK(end == "none");
}

ASYNC_TEST_CASE("timeout: nested, the outer deadline first") {
    EventLog log;
    auto outer = [&log]() -> Task<> {
        try {
            co_await timeout(5s, long_sleep);
        } catch (const CancelledError&) {
            log("inner:CancelledError");
            throw;
        }
    };
    const auto end = co_await told(timeout(1s, outer));
    CHECK(log.joined() == "inner:CancelledError");
    CHECK(end == "TimeoutError");
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("timeout: nested with one deadline, only the outermost throws TimeoutError") {
    EventLog log;
    auto ticks = create_task(tick(log, 6));
    auto outer = [&log]() -> Task<> {
        try {
            co_await timeout(0s, long_sleep);
        } catch (const CancelledError&) {
            log("inner cancelled");
            throw;
        }
    };
    const auto end = co_await told(timeout(0s, outer));
    log("outer " + end);
    co_await ticks;
    CHECK(log.joined() == "1 2 inner cancelled outer TimeoutError 3 4 5 6");
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("timeout: nested, the outer one may still strike after the inner one") {
    EventLog log;
    const auto begin = now();
    auto outer = [&log]() -> Task<> {
        const auto end = co_await told(timeout(1s, long_sleep));
        log(end);
        co_await sleep(1h);
    };
    const auto end = co_await told(timeout(3s, outer));
    log(end);
    CHECK(log.joined() == "TimeoutError TimeoutError");
    CHECK(now() - begin == 3s);
}

ASYNC_TEST_CASE("timeout: one more while the body cleans up after the first") {
    EventLog log;
    auto body = [&log]() -> Task<> {
        bool cancelled = false;
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            cancelled = true;
        }
        const auto end = co_await told(timeout(1s, long_sleep));
        log(end);
        if (cancelled) {
            throw CancelledError();
        }
    };
    const auto end = co_await told(timeout(1s, body));
    log(end);
    CHECK(log.joined() == "TimeoutError TimeoutError");
}

ASYNC_TEST_CASE("timeout: works in a task that was cancelled before and went on", "[any_order]") {
    auto body = []() -> Task<std::string> {
        current_task().cancel();
        const auto cancelled = co_await told(sleep(1s));
        const auto end = co_await told(timeout(0s, long_sleep));
        co_return cancelled + " " + end + " " + std::to_string(current_task().cancelling());
    };
    const std::string text = co_await create_task(body());
    CHECK(text == "CancelledError TimeoutError 1");
}

ASYNC_TEST_CASE("timeout: a second cancellation within it is not taken for its own",
                "[any_order]") {
    auto body = []() -> Task<std::string> {
        current_task().cancel();
        const auto cancelled = co_await told(sleep(1s));
        auto again = []() -> Task<> {
            current_task().cancel();
            co_await sleep(1h);
        };
        const auto end = co_await told(timeout(10s, again));
        co_return cancelled + " " + end;
    };
    const std::string text = co_await create_task(body());
    CHECK(text == "CancelledError CancelledError");
}

ASYNC_TEST_CASE("timeout: holds for a task group in it", "[any_order]") {
    auto body = []() -> Task<> {
        co_await task_group([](TaskGroup& group) -> Task<> {
            group.create_task(sleep(1h));
            co_return;
        });
    };
    const auto end = co_await told(timeout(1s, body));
    CHECK(end == "TimeoutError");
    CHECK(current_task().cancelling() == 0);
}

// timeout: a scope with a deadline. A scenario that looks at the scope afterwards keeps it outside
// and goes through it by within_scope(); the others use timeout().
#include <ringio/tasks.hpp>
#include "scenario.hpp"
#include "telling.hpp"

#include <stdexcept>

namespace ringio::conformance {
namespace {

using TimePoint = EventLoop::TimePoint;

TimePoint at(Delay since_start) { return saturating_add(TimePoint(), since_start); }
TimePoint deadline(Delay after) { return saturating_add(get_running_loop().time(), after); }

std::string in_ms(const std::optional<TimePoint>& when) {
    if (!when) {
        return "no deadline";
    }
    const auto whole = std::chrono::round<std::chrono::milliseconds>(when->time_since_epoch());
    return "deadline " + std::to_string(whole.count()) + " ms";
}

template <class... More>
std::string expired(const Timeout& first, const More&... more) {
    std::string all = "expired " + text(first.expired());
    ((all += " " + text(more.expired())), ...);
    return all;
}

/// What timeout() does, with a scope that outlives it.
template <class Body>
Task<> within_scope(Timeout& scope, Body& body) {
    scope.enter();
    std::exception_ptr error;
    try {
        co_await body();
    } catch (...) {
        error = std::current_exception();
    }
    scope.leave(error);
    if (error) {
        std::rethrow_exception(error);
    }
}

template <class A>
Task<detail::AwaitValue<A>> within(Delay delay, A awaitable) {
    const auto body = [&awaitable]() -> Task<detail::AwaitValue<A>> {
        co_return co_await std::move(awaitable);
    };
    co_return co_await timeout(delay, body);
}

Task<> work(Delay length = 10s) { co_await sleeper("work", length); }

Task<> sleep_and_log_cancel(std::string name, Delay length) {
    try {
        co_await sleep(length);
        log(name, "slept");
    } catch (const CancelledError&) {
        log(name, "cancelled");
        throw;
    }
}

CONFORMS("timeouts.basic") {
    Timeout scope(deadline(500ms));
    const auto body = [&]() -> Task<> {
        log(in_ms(scope.when()));
        co_await work();
        log("not reached");
    };
    log(co_await ended(within_scope(scope, body)));
    log(expired(scope), now(), cancelling());
}

CONFORMS("timeouts.value_and_error_pass") {
    log(co_await within(1s, sleeper("work", 500ms)));
    log(co_await ended(within(1s, failing("bad", 250ms, std::invalid_argument("x")))));
    log(co_await ended(within(1s, failing("bad at once", 0s, std::out_of_range("y")))));
    co_await sleep(5s);
    log(now(), cancelling());
}

CONFORMS("timeouts.at_basic") {
    const TimePoint when = deadline(500ms);
    Timeout scope(when);
    const auto body = [] { return work(); };
    const std::string end = co_await ended(within_scope(scope, body));
    log(end, expired(scope), scope.when() == when, now());
}

CONFORMS("timeouts.at_in_the_past") {
    co_await sleep(2s);
    Timeout scope(at(1s));
    const auto body = [] { return work(); };
    const std::string end = co_await ended(within_scope(scope, body));
    log(end, expired(scope), in_ms(scope.when()), now());
}

CONFORMS("timeouts.nested_equal_deadlines") {
    const TimePoint when = deadline(500ms);
    Timeout outer(when);
    Timeout inner(when);
    const auto innermost = [] { return work(); };
    const auto body = [&]() -> Task<> {
        try {
            co_await within_scope(inner, innermost);
        } catch (const CancelledError&) {
            log("CancelledError between the scopes,", cancelling());
            throw;
        }
    };
    const std::string end = co_await ended(within_scope(outer, body));
    log(end, "outside,", expired(outer, inner), cancelling());
}

CONFORMS("timeouts.nested_inner_first") {
    Timeout outer(deadline(2s));
    Timeout inner(deadline(1s));
    const auto innermost = [] { return work(); };
    const auto body = [&]() -> Task<> {
        try {
            co_await within_scope(inner, innermost);
        } catch (const TimeoutError&) {
            log("TimeoutError inside at", now(), cancelling());
        }
        log(expired(outer, inner));
        co_await sleep(500ms);
    };
    co_await within_scope(outer, body);
    log(expired(outer, inner), now());
}

CONFORMS("timeouts.nested_outer_first") {
    Timeout outer(deadline(1s));
    Timeout inner(deadline(2s));
    const auto innermost = [] { return work(); };
    const auto body = [&]() -> Task<> {
        try {
            co_await within_scope(inner, innermost);
        } catch (const CancelledError&) {
            log("CancelledError between,", expired(outer, inner));
            throw;
        }
    };
    const std::string end = co_await ended(within_scope(outer, body));
    log(end, "outside,", expired(outer, inner), now(), cancelling());
}

CONFORMS("timeouts.nested_inner_error_caught_then_outer") {
    Timeout outer(deadline(2s));
    const auto body = []() -> Task<> {
        log(co_await ended(within(1s, sleeper("first", 10s))));
        co_await sleeper("second", 10s);
    };
    const std::string end = co_await ended(within_scope(outer, body));
    log(end, expired(outer), now());
}

CONFORMS("timeouts.three_levels") {
    const TimePoint when = deadline(1s);
    Timeout first(when);
    Timeout second(when);
    Timeout third(when);
    const auto innermost = [] { return work(); };
    const auto inner = [&]() -> Task<> {
        try {
            co_await within_scope(third, innermost);
        } catch (...) {
            log("left the third,", cancelling(), expired(first, second, third));
            throw;
        }
    };
    const auto outer = [&]() -> Task<> {
        try {
            co_await within_scope(second, inner);
        } catch (...) {
            log("left the second,", cancelling());
            throw;
        }
    };
    const std::string end = co_await ended(within_scope(first, outer));
    log(end + ",", cancelling());
}

CONFORMS("timeouts.waiter_sees_cancelled_error") {
    log(co_await ended(within(500ms, sleep_and_log_cancel("work", 10s))));
}

CONFORMS("timeouts.not_called") {
    Timeout scope(deadline(10s));
    const auto body = []() -> Task<> { co_await sleep(500ms); };
    co_await within_scope(scope, body);
    log(expired(scope), in_ms(scope.when()), now());
    co_await sleep(20s);
    log(expired(scope), cancelling());
}

CONFORMS("timeouts.disabled") {
    const auto body = [](Timeout& scope) -> Task<> {
        co_await sleep(1000s);
        log(expired(scope), in_ms(scope.when()));
    };
    co_await timeout(std::nullopt, body);
}

CONFORMS("timeouts.at_disabled") {
    const auto body = [](Timeout& scope) -> Task<> {
        co_await sleep(1000s);
        log(expired(scope), in_ms(scope.when()));
    };
    co_await timeout_at(std::nullopt, body);
}

CONFORMS("timeouts.zero") {
    Timeout scope(deadline(0s));
    const auto body = [] { return work(); };
    const std::string end = co_await ended(within_scope(scope, body));
    log(end, expired(scope), in_ms(scope.when()), now());
}

CONFORMS("timeouts.zero_sleep_zero") {
    for (const Delay delay : {Delay(0s), Delay(-11s)}) {
        Timeout scope(deadline(delay));
        const auto body = []() -> Task<> {
            co_await sleep(0s);
            log("not reached");
        };
        const std::string end = co_await ended(within_scope(scope, body));
        log(end, expired(scope), in_ms(scope.when()));
    }
}

Task<std::string> plain() { co_return "value"; }

CONFORMS("timeouts.zero_without_a_wait") {
    Timeout scope(deadline(0s));
    const auto body = []() -> Task<> { log(co_await plain()); };
    co_await within_scope(scope, body);
    log(expired(scope));
    co_await turns(2);
    log(expired(scope), cancelling());
}

CONFORMS("timeouts.turns") {
    auto ticking = create_task(clock(4));
    log(co_await ended(within(0s, sleep(10s))));
    co_await ticking;
    get_running_loop().call_later(1s, [] { create_task(clock(4)); });
    log(co_await ended(within(1s, sleep(10s))));
    co_await turns(5);
}

CONFORMS("timeouts.body_catches_the_cancel") {
    Timeout scope(deadline(500ms));
    const auto body = [&]() -> Task<> {
        log(co_await ended(sleep(10s)));
        log(expired(scope), cancelling());
        co_await sleep(1s);
        log(now());
    };
    co_await within_scope(scope, body);
    log(expired(scope), cancelling());
}

CONFORMS("timeouts.foreign_exception_passes") {
    Timeout scope(deadline(500ms));
    const auto body = []() -> Task<> {
        throw std::out_of_range("not a timeout");
        co_return;
    };
    log(co_await ended(within_scope(scope, body)));
    log(expired(scope), now());
}

template <class E>
Task<> crash_in_cleanup(E exception) {
    try {
        co_await sleep(10s);
    } catch (const CancelledError&) {
        throw exception;
    }
}

CONFORMS("timeouts.error_while_being_cancelled") {
    Timeout scope(deadline(500ms));
    const auto body = [] { return crash_in_cleanup(std::invalid_argument("in cleanup")); };
    const std::string end = co_await ended(within_scope(scope, body));
    log(end, expired(scope), cancelling());
}

CONFORMS("timeouts.error_then_wait_in_cleanup") {
    Timeout scope(deadline(500ms));
    const auto body = []() -> Task<> {
        std::exception_ptr first;
        try {
            throw std::invalid_argument("first");
        } catch (const std::invalid_argument&) {
            first = std::current_exception();
        }
        log("cleanup at", now());
        co_await sleep(10s);
        std::rethrow_exception(first);
    };
    const std::string end = co_await ended(within_scope(scope, body));
    log(end, expired(scope), now());
}

CONFORMS("timeouts.error_wait_error_in_cleanup") {
    Timeout scope(deadline(500ms));
    const auto body = []() -> Task<> {
        bool failed = false;
        try {
            throw std::invalid_argument("first");
        } catch (const std::invalid_argument&) {
            failed = true;
        }
        if (failed) {
            co_await crash_in_cleanup(std::out_of_range("last"));
        }
    };
    const std::string end = co_await ended(within_scope(scope, body));
    log(end, expired(scope), cancelling());
}

CONFORMS("timeouts.own_cancel_before_the_deadline") {
    Timeout scope(deadline(10s));
    const auto body = []() -> Task<> {
        current_task().cancel();
        co_await sleep(10s);
    };
    const std::string end = co_await ended(within_scope(scope, body));
    log(end, expired(scope), now(), cancelling());
}

CONFORMS("timeouts.outside_cancel_before_the_deadline") {
    auto task = create_task(within(10s, sleeper("work", 20s)));
    get_running_loop().call_later(1s, [task]() mutable { task.cancel(); });
    log(co_await ended(task));
    log(state(task), now(), task.cancelling());
}

CONFORMS("timeouts.outside_cancel_at_the_deadline") {
    auto before = create_task(sleep_and_log_cancel("filler", 0s));
    auto task = create_task(within(1s, sleeper("work", 20s)));
    co_await turns(1);
    get_running_loop().call_later(1s, [task]() mutable { task.cancel(); });
    log(co_await ended(task));
    log(states(before, task), task.cancelling());
}

CONFORMS("timeouts.outside_cancel_just_before_the_deadline") {
    auto task = create_task(within(1s, sleeper("work", 20s)));
    get_running_loop().call_later(1s, [task]() mutable { task.cancel(); });
    log(co_await ended(task));
    log(state(task), task.cancelling());
}

CONFORMS("timeouts.outside_cancel_during_cleanup") {
    auto task = create_task(within(1s, stubborn("work", 20s, 2s)));
    co_await sleep(2s);
    task.cancel();
    log(co_await ended(task));
    log(state(task), now(), task.cancelling());
}

CONFORMS("timeouts.task_is_not_cancelled") {
    auto task = create_task(ended(within(500ms, sleep(10s))));
    log(co_await task);
    log(state(task), task.cancelling());
}

CONFORMS("timeouts.task_ends_with_timeout_error") {
    auto task = create_task(within(500ms, sleep(10s)));
    log(co_await ended(task));
    log(state(task), task.cancelled(), task.cancelling());
}

CONFORMS("timeouts.caught_then_works_on") {
    for (int attempt = 0; attempt < 3; ++attempt) {
        const std::string name = "attempt " + std::to_string(attempt);
        log(co_await ended(within(500ms, sleeper(name, 10s))));
    }
    log(co_await within(1s, sleeper("last", 250ms)));
    log(now(), cancelling());
}

CONFORMS("timeouts.loop_is_busy_past_both_deadlines") {
    get_running_loop().call_later(3s, [] { log("busy until", now()); });
    Timeout outer(deadline(1s));
    Timeout inner(deadline(3s));
    const auto innermost = [] { return work(); };
    const auto body = [&]() -> Task<> {
        outer.reschedule(deadline(3s));
        try {
            co_await within_scope(inner, innermost);
        } catch (const TimeoutError&) {
            log("TimeoutError inside");
        }
    };
    const std::string end = co_await ended(within_scope(outer, body));
    log(end, "outside,", expired(outer, inner), now());
}

CONFORMS("timeouts.reschedule") {
    Timeout scope(at(10s));
    const auto innermost = [] { return work(50s); };
    const auto body = [&]() -> Task<> { co_await within_scope(scope, innermost); };
    auto task = create_task(body());
    co_await turns(1);
    log(in_ms(scope.when()));
    scope.reschedule(at(30s));
    log(in_ms(scope.when()));
    scope.reschedule(std::nullopt);
    log(in_ms(scope.when()));
    co_await sleep(40s);
    task.cancel();
    log(co_await ended(task));
    log(expired(scope), now());
}

CONFORMS("timeouts.reschedule_later_and_sooner") {
    for (const bool later : {true, false}) {
        const TimePoint second = deadline(later ? 3s : 1s);
        Timeout scope(deadline(later ? 1s : 3s));
        const auto body = [&]() -> Task<> {
            co_await sleep(500ms);
            scope.reschedule(second);
            co_await work();
        };
        const std::string end = co_await ended(within_scope(scope, body));
        log(end, expired(scope), now());
    }
}

CONFORMS("timeouts.reschedule_to_the_past") {
    co_await sleep(1s);
    const auto body = [](Timeout& scope) -> Task<> {
        scope.reschedule(at(500ms));
        log(in_ms(scope.when()), expired(scope));
        co_await work();
    };
    const std::string end = co_await ended(timeout(10s, body));
    log(end, now());
}

CONFORMS("timeouts.reschedule_out_of_the_due_turn") {
    Timeout scope(deadline(0s));
    const auto body = [&]() -> Task<> {
        scope.reschedule(std::nullopt);
        co_await turns(3);
        log(expired(scope));
        scope.reschedule(deadline(1s));
        co_await sleep(500ms);
    };
    co_await within_scope(scope, body);
    log(expired(scope), now());
}

CONFORMS("timeouts.repr") {
    Timeout finished(at(10500ms));
    const auto log_it = [&]() -> Task<> {
        log(finished.repr());
        co_return;
    };
    co_await within_scope(finished, log_it);
    log(finished.repr());
    const auto log_unlimited = [](Timeout& scope) -> Task<> {
        log(scope.repr());
        co_return;
    };
    co_await timeout(std::nullopt, log_unlimited);
    Timeout expired(deadline(500ms));
    const auto expire = [&]() -> Task<> {
        log(co_await ended(sleep(10s)));
        log(expired.repr());
        throw CancelledError();
    };
    co_await ended(within_scope(expired, expire));
    log(expired.repr());
    log(Timeout(std::nullopt).repr());
}

CONFORMS("timeouts.nested_in_cleanup") {
    const auto body = []() -> Task<> {
        std::exception_ptr cancelled;
        try {
            co_await sleep(10s);
        } catch (const CancelledError&) {
            cancelled = std::current_exception();
        }
        log("cleanup at", now());
        log(co_await ended(within(500ms, sleeper("cleanup", 10s))));
        log(cancelling());
        std::rethrow_exception(cancelled);
    };
    log(co_await ended(timeout(500ms, body)));
    log(now(), cancelling());
}

CONFORMS("timeouts.after_a_cancellation") {
    current_task().cancel();
    log(co_await ended(sleep(1s)));
    log(cancelling());
    log(co_await ended(within(0s, sleeper("cleanup", 1s))));
    log(cancelling(), now());
    log(co_await ended(within(500ms, sleeper("cleanup", 1s))));
    log(cancelling(), now());
}

CONFORMS("timeouts.cancel_in_the_scope_after_a_cancellation") {
    current_task().cancel();
    log(co_await ended(sleep(1s)));
    Timeout scope(deadline(1s));
    const auto body = []() -> Task<> {
        current_task().cancel();
        co_await sleep(2s);
    };
    const std::string end = co_await ended(within_scope(scope, body));
    log(end, expired(scope), cancelling());
}

CONFORMS("timeouts.already_entered") {
    const auto body = [](Timeout& scope) -> Task<> {
        log(call([&] { scope.enter(); }));
        log(expired(scope));
        co_return;
    };
    co_await timeout(500ms, body);
}

Task<> nothing() { co_return; }

CONFORMS("timeouts.double_enter") {
    Timeout scope(deadline(500ms));
    co_await within_scope(scope, nothing);
    log(call([&] { scope.enter(); }));
}

CONFORMS("timeouts.finished_cannot_be_rescheduled") {
    Timeout scope(deadline(500ms));
    co_await within_scope(scope, nothing);
    log(call([&] { scope.reschedule(at(250ms)); }));
}

CONFORMS("timeouts.expired_cannot_be_rescheduled") {
    Timeout scope(deadline(500ms));
    const auto body = []() -> Task<> { co_await sleep(1s); };
    co_await ended(within_scope(scope, body));
    log(call([&] { scope.reschedule(at(2s)); }));
}

CONFORMS("timeouts.expiring_cannot_be_rescheduled") {
    const auto body = [](Timeout& scope) -> Task<> {
        log(co_await ended(sleep(1s)));
        log(call([&] { scope.reschedule(at(2s)); }));
    };
    co_await timeout(500ms, body);
}

CONFORMS("timeouts.not_entered") {
    Timeout scope(at(500ms));
    log(call([&] { scope.reschedule(at(250ms)); }));
    log(expired(scope), in_ms(scope.when()));
    co_return;
}

CONFORMS("timeouts.without_a_task") {
    Timeout scope(at(500ms));
    get_running_loop().call_soon([&] { log(call([&] { scope.enter(); })); });
    co_await turns(1);
    log(call([&] { scope.reschedule(at(250ms)); }));
}

CONFORMS("timeouts.around_a_task_group") {
    Timeout scope(deadline(500ms));
    const auto in_group = [](TaskGroup& group) -> Task<> {
        group.create_task(crash_in_cleanup(std::invalid_argument("child in cleanup")));
        bool failed = false;
        try {
            throw std::out_of_range("body");
        } catch (const std::out_of_range&) {
            failed = true;
        }
        co_await sleep(1s);
        log("not reached", failed);
    };
    const auto body = [&]() -> Task<> { co_await task_group(in_group); };
    const std::string end = co_await ended(within_scope(scope, body));
    log(end, expired(scope), now(), cancelling());
}

CONFORMS("timeouts.around_a_quiet_task_group") {
    Timeout scope(deadline(500ms));
    const auto in_group = [](TaskGroup& group) -> Task<> {
        group.create_task(sleep(10s));
        group.create_task(stubborn("slow child", 10s, 1s));
        co_return;
    };
    const auto body = [&]() -> Task<> { co_await task_group(in_group); };
    const std::string end = co_await ended(within_scope(scope, body));
    log(end, expired(scope), now(), cancelling());
}

CONFORMS("timeouts.within_a_task_group") {
    const auto in_group = [](TaskGroup& group) -> Task<> {
        group.create_task(within(500ms, sleep(10s)));
        group.create_task(sleeper("sibling", 10s));
        co_return;
    };
    const std::string end = co_await ended(task_group(in_group));
    log(end, now(), cancelling());
}

CONFORMS("timeouts.awaits_a_shared_task") {
    auto shared = create_task(sleeper("shared", 1s));
    log(co_await ended(within(500ms, shield(shared))));
    log(co_await ended(within(1s, shield(shared))));
    auto other = create_task(sleeper("other", 1s));
    log(co_await ended(within(500ms, other)));
    log(states(shared, other));
}

CONFORMS("timeouts.ends_between_deadline_and_resume") {
    EventLoop& loop = get_running_loop();
    auto promise = loop.create_future<std::string>();
    loop.call_later(1s, [promise]() mutable { promise.set_result("set"); });
    log(co_await ended(within(1s, promise.get_future())));
    log(state(promise.get_future()), cancelling());
}

}  // namespace
}  // namespace ringio::conformance

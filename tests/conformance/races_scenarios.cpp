// races: each way to wait, cancelled at each turn of the loop. See races.py.
#include <ringio/base/scope_exit.hpp>
#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include "scenario.hpp"

#include <memory>

namespace ringio::conformance {
namespace {

using Children = std::vector<AnyFuture>;

std::string state(const AnyFuture& child) {
    if (!child.done()) {
        return "pending";
    }
    if (child.cancelled()) {
        return "cancelled";
    }
    return child.exception() ? kind(child.exception()) : "done";
}

std::string states_of(const Children& children) {
    std::string all;
    for (const AnyFuture& child : children) {
        all += (all.empty() ? "" : ", ") + state(child);
    }
    return "[" + all + "]";
}

std::string outcome(const AnyFuture& task) {
    if (!task.done()) {
        return "pending";
    }
    return task.cancelled() ? "cancelled" : error(task.exception());
}

/// The number of turns until a task is done, 20 at most.
Task<int> until_done(AnyFuture task) {
    int count = 0;
    while (count < 20 && !task.done()) {
        ++count;
        co_await sleep(0s);
    }
    co_return count;
}

Task<> at_every_turn(int limit, Task<> (*make)(Children&)) {
    for (int k = 0; k < limit; ++k) {
        Children children;
        auto task = create_task(make(children));
        co_await turns(k);
        const bool accepted = task.cancel();
        const int count = co_await until_done(task);
        const std::string before = states_of(children);
        co_await turns(8);
        log(k, accepted, "turns", count, outcome(task), task.cancelling(), before,
            states_of(children));
    }
}

TaskHandle<> child(Children& children, Task<> coroutine) {
    auto task = create_task(std::move(coroutine));
    children.push_back(task);
    return task;
}

Promise<> future(Children& children) {
    auto promise = loop_promise();
    children.push_back(promise.get_future());
    return promise;
}

template <class Fn>
Task<> later(int count, Fn function) {
    co_await turns(count);
    function();
}

/// Calls a function after some turns.
template <class Fn>
void after(int count, Fn function) {
    create_task(later(count, std::move(function)));
}

auto finish(Promise<> target) {
    return [target]() mutable {
        if (!target.done()) {
            target.set_result();
        }
    };
}

Task<> fail_after(int count) {
    co_await turns(count);
    throw std::invalid_argument("failed");
}

Task<> stubborn(int count) {
    bool cancelled = false;
    try {
        co_await turns(5);
    } catch (const CancelledError&) {
        cancelled = true;
    }
    if (cancelled) {
        co_await turns(count);
    }
}

Task<> slow_to_go(int count) {
    std::exception_ptr ended_by;
    try {
        co_await turns(5);
    } catch (...) {
        ended_by = std::current_exception();
    }
    co_await turns(count);
    if (ended_by) {
        std::rethrow_exception(ended_by);
    }
}

Task<> case_sleep(Children&) { co_await turns(3); }
CONFORMS("races.sleep") { co_await at_every_turn(5, case_sleep); }

Task<> case_future(Children& children) {
    auto target = future(children);
    after(2, finish(target));
    co_await target.get_future();
}
CONFORMS("races.future") { co_await at_every_turn(6, case_future); }

Task<> case_future_with_error(Children& children) {
    auto target = future(children);
    after(2, [target]() mutable {
        if (!target.done()) {
            target.set_exception(std::invalid_argument("failed"));
        }
    });
    co_await target.get_future();
}
CONFORMS("races.future_with_error") { co_await at_every_turn(6, case_future_with_error); }

Task<> case_future_cancelled(Children& children) {
    auto target = future(children);
    after(2, [target] { target.get_future().cancel(); });
    co_await target.get_future();
}
CONFORMS("races.future_cancelled") { co_await at_every_turn(6, case_future_cancelled); }

Task<> case_task(Children& children) { co_await child(children, turns(2)); }
CONFORMS("races.task") { co_await at_every_turn(6, case_task); }

Task<> case_task_with_error(Children& children) { co_await child(children, fail_after(2)); }
CONFORMS("races.task_with_error") { co_await at_every_turn(6, case_task_with_error); }

Task<> level(Children& children, int depth) {
    if (depth == 0) {
        co_await turns(1);
    } else {
        co_await child(children, level(children, depth - 1));
    }
}
Task<> case_nested_tasks(Children& children) { co_await level(children, 3); }
CONFORMS("races.nested_tasks") { co_await at_every_turn(9, case_nested_tasks); }

Task<> case_stubborn_task(Children& children) { co_await child(children, stubborn(2)); }
CONFORMS("races.stubborn_task") { co_await at_every_turn(9, case_stubborn_task); }

Task<> case_slow_task(Children& children) { co_await child(children, slow_to_go(2)); }
CONFORMS("races.slow_task") { co_await at_every_turn(11, case_slow_task); }

// Two children, in the order in which Python evaluates the arguments.
std::vector<TaskHandle<>> two(Children& children, Task<> first, Task<> second) {
    std::vector<TaskHandle<>> both(1, child(children, std::move(first)));
    both.push_back(child(children, std::move(second)));
    return both;
}

Task<> case_gather(Children& children) { co_await gather(two(children, turns(1), turns(3))); }
CONFORMS("races.gather") { co_await at_every_turn(8, case_gather); }

Task<> case_gather_return_exceptions(Children& children) {
    static_cast<void>(co_await gather(return_exceptions, two(children, fail_after(1), turns(3))));
}
CONFORMS("races.gather_return_exceptions") {
    co_await at_every_turn(8, case_gather_return_exceptions);
}

Task<> case_gather_with_error(Children& children) {
    co_await gather(two(children, fail_after(1), turns(3)));
}
CONFORMS("races.gather_with_error") { co_await at_every_turn(7, case_gather_with_error); }

Task<> case_gather_of_futures(Children& children) {
    auto first = future(children);
    auto second = future(children);
    after(1, finish(first));
    after(2, finish(second));
    co_await gather(first.get_future(), second.get_future());
}
CONFORMS("races.gather_of_futures") { co_await at_every_turn(7, case_gather_of_futures); }

Task<> case_gather_of_done(Children& children) {
    auto first = future(children);
    auto second = future(children);
    first.set_result();
    second.set_result();
    co_await gather(first.get_future(), second.get_future());
}
CONFORMS("races.gather_of_done") { co_await at_every_turn(4, case_gather_of_done); }

Task<> case_gather_of_slow_tasks(Children& children) {
    co_await gather(two(children, slow_to_go(1), slow_to_go(3)));
}
CONFORMS("races.gather_of_slow_tasks") { co_await at_every_turn(10, case_gather_of_slow_tasks); }

Task<> case_gather_of_slow_tasks_return_exceptions(Children& children) {
    static_cast<void>(
        co_await gather(return_exceptions, two(children, slow_to_go(1), slow_to_go(3))));
}
CONFORMS("races.gather_of_slow_tasks_return_exceptions") {
    co_await at_every_turn(10, case_gather_of_slow_tasks_return_exceptions);
}

Task<> case_gather_of_stubborn_tasks(Children& children) {
    co_await gather(two(children, stubborn(1), stubborn(3)));
}
CONFORMS("races.gather_of_stubborn_tasks") {
    co_await at_every_turn(9, case_gather_of_stubborn_tasks);
}

Task<> case_shield_of_a_task(Children& children) { co_await shield(child(children, turns(3))); }
CONFORMS("races.shield_of_a_task") { co_await at_every_turn(8, case_shield_of_a_task); }

Task<> case_shield_of_a_future(Children& children) {
    auto target = future(children);
    after(2, finish(target));
    co_await shield(target.get_future());
}
CONFORMS("races.shield_of_a_future") { co_await at_every_turn(7, case_shield_of_a_future); }

Task<> case_shield_of_a_failing_task(Children& children) {
    co_await shield(child(children, fail_after(2)));
}
CONFORMS("races.shield_of_a_failing_task") {
    co_await at_every_turn(7, case_shield_of_a_failing_task);
}

Task<> case_shield_of_gather(Children& children) {
    co_await shield(gather(two(children, turns(1), turns(2))));
}
CONFORMS("races.shield_of_gather") { co_await at_every_turn(8, case_shield_of_gather); }

Task<> case_gather_of_shields(Children& children) {
    auto first = shield(child(children, turns(1)));
    auto second = shield(child(children, turns(2)));
    co_await gather(first, second);
}
CONFORMS("races.gather_of_shields") { co_await at_every_turn(8, case_gather_of_shields); }

constexpr WaitOptions first_completed = {.return_when = ReturnWhen::first_completed};
constexpr WaitOptions first_exception = {.return_when = ReturnWhen::first_exception};

Task<> case_wait_all(Children& children) { co_await wait(two(children, turns(1), turns(3))); }
CONFORMS("races.wait_all") { co_await at_every_turn(8, case_wait_all); }

Task<> case_wait_first_completed(Children& children) {
    co_await wait(two(children, turns(1), turns(3)), first_completed);
}
CONFORMS("races.wait_first_completed") { co_await at_every_turn(6, case_wait_first_completed); }

Task<> case_wait_first_exception(Children& children) {
    co_await wait(two(children, fail_after(1), turns(3)), first_exception);
}
CONFORMS("races.wait_first_exception") { co_await at_every_turn(6, case_wait_first_exception); }

Task<> case_as_completed(Children& children) {
    for (auto& step : as_completed(two(children, turns(1), turns(3)))) {
        co_await step;
    }
}
CONFORMS("races.as_completed") { co_await at_every_turn(8, case_as_completed); }

Task<> case_wait_for_coroutine(Children&) { co_await wait_for(turns(2), 1s); }
CONFORMS("races.wait_for_coroutine") { co_await at_every_turn(5, case_wait_for_coroutine); }

Task<> case_wait_for_task(Children& children) { co_await wait_for(child(children, turns(2)), 1s); }
CONFORMS("races.wait_for_task") { co_await at_every_turn(6, case_wait_for_task); }

Task<> case_wait_for_slow_task(Children& children) {
    co_await wait_for(child(children, slow_to_go(2)), 1s);
}
CONFORMS("races.wait_for_slow_task") { co_await at_every_turn(11, case_wait_for_slow_task); }

Task<> case_wait_for_zero(Children& children) {
    auto task = child(children, slow_to_go(2));
    co_await turns(1);
    co_await wait_for(task, 0s);
}
CONFORMS("races.wait_for_zero") { co_await at_every_turn(8, case_wait_for_zero); }

Task<> timeout_around(Children& children, Delay limit, Task<> (*coroutine)(int), int count) {
    const auto body = [&]() -> Task<> { co_await child(children, coroutine(count)); };
    co_await timeout(limit, body);
}

Task<> case_timeout(Children& children) { co_await timeout_around(children, 1s, turns, 2); }
CONFORMS("races.timeout") { co_await at_every_turn(6, case_timeout); }

Task<> case_timeout_that_fires(Children& children) {
    co_await timeout_around(children, 0s, turns, 4);
}
CONFORMS("races.timeout_that_fires") { co_await at_every_turn(6, case_timeout_that_fires); }

Task<> case_timeout_and_cleanup(Children& children) {
    co_await timeout_around(children, 0s, slow_to_go, 2);
}
CONFORMS("races.timeout_and_cleanup") { co_await at_every_turn(8, case_timeout_and_cleanup); }

Task<> case_nested_timeouts(Children& children) {
    const auto body = [&]() -> Task<> { co_await timeout_around(children, 0s, turns, 4); };
    co_await timeout(0s, body);
}
CONFORMS("races.nested_timeouts") { co_await at_every_turn(6, case_nested_timeouts); }

Task<> case_task_group(Children& children) {
    const auto body = [&](TaskGroup& group) -> Task<> {
        children.push_back(group.create_task(turns(1)));
        children.push_back(group.create_task(turns(3)));
        co_return;
    };
    co_await task_group(body);
}
CONFORMS("races.task_group") { co_await at_every_turn(7, case_task_group); }

Task<> case_task_group_with_body(Children& children) {
    const auto body = [&](TaskGroup& group) -> Task<> {
        children.push_back(group.create_task(turns(1)));
        co_await turns(3);
    };
    co_await task_group(body);
}
CONFORMS("races.task_group_with_body") { co_await at_every_turn(6, case_task_group_with_body); }

Task<> case_task_group_with_error(Children& children) {
    const auto body = [&](TaskGroup& group) -> Task<> {
        children.push_back(group.create_task(fail_after(1)));
        children.push_back(group.create_task(slow_to_go(1)));
        co_await turns(4);
    };
    co_await task_group(body);
}
CONFORMS("races.task_group_with_error") { co_await at_every_turn(9, case_task_group_with_error); }

Task<> case_task_group_with_late_error(Children& children) {
    const auto body = [&](TaskGroup& group) -> Task<> {
        children.push_back(group.create_task(fail_after(2)));
        children.push_back(group.create_task(slow_to_go(2)));
        co_return;
    };
    co_await task_group(body);
}
CONFORMS("races.task_group_with_late_error") {
    co_await at_every_turn(9, case_task_group_with_late_error);
}

Task<> case_task_group_with_failing_body(Children& children) {
    const auto body = [&](TaskGroup& group) -> Task<> {
        children.push_back(group.create_task(slow_to_go(2)));
        co_await fail_after(1);
    };
    co_await task_group(body);
}
CONFORMS("races.task_group_with_failing_body") {
    co_await at_every_turn(8, case_task_group_with_failing_body);
}

Task<> case_nested_task_groups(Children& children) {
    const auto inner_body = [&](TaskGroup& inner) -> Task<> {
        children.push_back(inner.create_task(fail_after(2)));
        children.push_back(inner.create_task(turns(5)));
        co_return;
    };
    const auto outer_body = [&](TaskGroup& outer) -> Task<> {
        children.push_back(outer.create_task(turns(5)));
        co_await task_group(inner_body);
    };
    co_await task_group(outer_body);
}
CONFORMS("races.nested_task_groups") { co_await at_every_turn(8, case_nested_task_groups); }

// The primitives are shared with those who come later and may outlive the case.

Task<> case_lock(Children&) {
    const auto lock = std::make_shared<Lock>();
    co_await lock->acquire();
    after(2, [lock] { lock->release(); });
    const ScopeExit leave([&] { log("locked", lock->locked()); });
    co_await lock->acquire();
}
CONFORMS("races.lock") { co_await at_every_turn(6, case_lock); }

Task<> case_event(Children&) {
    const auto event = std::make_shared<Event>();
    after(2, [event] { event->set(); });
    co_await event->wait();
}
CONFORMS("races.event") { co_await at_every_turn(6, case_event); }

Task<> case_semaphore(Children&) {
    const auto semaphore = std::make_shared<Semaphore>(0);
    after(2, [semaphore] { semaphore->release(); });
    const ScopeExit leave([&] { log("locked", semaphore->locked()); });
    co_await semaphore->acquire();
}
CONFORMS("races.semaphore") { co_await at_every_turn(6, case_semaphore); }

Task<> notify_later(std::shared_ptr<Condition> condition) {
    co_await turns(2);
    const auto held = co_await condition->scoped();
    condition->notify();
}

Task<> case_condition(Children&) {
    const auto condition = std::make_shared<Condition>();
    create_task(notify_later(condition));
    co_await condition->acquire();
    const ScopeExit leave([&] {
        log("locked", condition->locked());
        condition->release();
    });
    co_await condition->wait();
}
CONFORMS("races.condition") { co_await at_every_turn(8, case_condition); }

using Strings = Queue<std::string>;

Task<> case_queue_get(Children&) {
    const auto queue = std::make_shared<Strings>();
    after(2, [queue] { queue->put_nowait("item"); });
    const ScopeExit leave([&] { log("items", queue->qsize()); });
    co_await queue->get();
}
CONFORMS("races.queue_get") { co_await at_every_turn(6, case_queue_get); }

Task<> case_queue_put(Children&) {
    const auto queue = std::make_shared<Strings>(1);
    queue->put_nowait("first");
    after(2, [queue] { queue->get_nowait(); });
    const ScopeExit leave([&] { log("items", queue->qsize()); });
    co_await queue->put("second");
}
CONFORMS("races.queue_put") { co_await at_every_turn(6, case_queue_put); }

Task<> case_queue_join(Children&) {
    const auto queue = std::make_shared<Strings>();
    queue->put_nowait("item");
    after(2, [queue] { queue->task_done(); });
    co_await queue->join();
}
CONFORMS("races.queue_join") { co_await at_every_turn(6, case_queue_join); }

Task<> turns_then(Future<> target) {
    co_await turns(1);
    co_await target;
}

Task<> wait_for_one(Future<> target) {
    const std::vector<Future<>> one(1, target);
    co_await wait(one);
}

CONFORMS("races.result_against_cancel") {
    for (int a = 0; a < 4; ++a) {
        for (int b = 0; b < 4; ++b) {
            auto promise = loop_promise();
            Future<> target = promise.get_future();
            auto task = create_task(a == b ? wait_for_one(target) : turns_then(target));
            after(a, finish(promise));
            after(b, [task]() mutable { task.cancel(); });
            const int count = co_await until_done(task);
            log(a, b, "turns", count, outcome(task), state(target));
            co_await turns(5);
        }
    }
}

CONFORMS("races.two_cancels") {
    for (int a = 0; a < 4; ++a) {
        for (int b = a; b < 7; ++b) {
            auto task = create_task(slow_to_go(2));
            co_await turns(a);
            const bool first = task.cancel();
            co_await turns(b - a);
            const bool second = task.cancel();
            const int count = co_await until_done(task);
            log(a, b, first, second, "turns", count, outcome(task), task.cancelling());
        }
    }
}

CONFORMS("races.cancel_and_uncancel") {
    for (int k = 0; k < 6; ++k) {
        auto promise = loop_promise();
        Future<> target = promise.get_future();
        after(2, finish(promise));
        auto task = create_task(turns_then(target));
        co_await turns(k);
        task.cancel();
        const unsigned left = task.uncancel();
        const int count = co_await until_done(task);
        log(k, left, "turns", count, outcome(task), task.cancelling(), state(target));
        co_await turns(4);
    }
}

}  // namespace
}  // namespace ringio::conformance

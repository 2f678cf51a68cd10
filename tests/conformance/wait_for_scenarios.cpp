// wait_for: one awaitable with a time limit.
#include <ringio/tasks.hpp>
#include "scenario.hpp"
#include "telling.hpp"

#include <stdexcept>

namespace ringio::conformance {
namespace {

/// Replaces its cancellation with another exception.
template <class E>
Task<> replacing(E exception) {
    bool cancelled = false;
    try {
        co_await sleep(10s);
    } catch (const CancelledError&) {
        cancelled = true;
    }
    if (cancelled) {
        throw exception;
    }
}

CONFORMS("wait_for.value") {
    log(co_await wait_for(sleeper("work", 500ms), 1s));
    log(now());
}

CONFORMS("wait_for.no_limit") {
    log(co_await wait_for(sleeper("work", 1000s), std::nullopt));
    log(co_await wait_for(create_task(sleeper("task", 1s)), std::nullopt));
    log(now());
}

CONFORMS("wait_for.timeout") {
    log(co_await ended(wait_for(sleeper("work", 10s), 500ms)));
    log(now(), cancelling());
}

CONFORMS("wait_for.timeout_cancels_task") {
    auto task = create_task(sleeper("task", 10s));
    log(co_await ended(wait_for(task, 500ms)));
    log(state(task), now(), cancelling());
}

CONFORMS("wait_for.timeout_cancels_future") {
    auto future = get_running_loop().create_future<int>().get_future();
    log(co_await ended(wait_for(future, 500ms)));
    log(state(future), now());
}

Task<bool> is_current(AnyTask task) { co_return current_task() == task; }

CONFORMS("wait_for.coroutine_runs_in_this_task") {
    log(co_await ended(wait_for(is_current(current_task()), 1s)));
    log(co_await ended(wait_for(is_current(current_task()), std::nullopt)));
}

Task<> change(ContextVar<int>& number, int value) {
    number.set(value);
    co_return;
}

CONFORMS("wait_for.coroutine_shares_the_context") {
    ContextVar<int> number("number");
    co_await wait_for(change(number, 1), 1s);
    log(number.get(0));
    co_await wait_for(create_task(change(number, 2)), 1s);
    log(number.get(0));
}

CONFORMS("wait_for.done_does_not_yield") {
    auto ticking = create_task(clock(3));
    auto promise = get_running_loop().create_future<std::string>();
    auto future = promise.get_future();
    promise.set_result("set");
    log(co_await wait_for(future, 1s));
    log(co_await wait_for(future, std::nullopt));
    log(co_await wait_for(future, 0s));
    log(co_await wait_for(future, -1s));
    co_await ticking;
}

CONFORMS("wait_for.zero_takes_a_done_result") {
    EventLoop& loop = get_running_loop();
    auto failed = loop.create_future<int>();
    auto cancelled = loop.create_future<int>().get_future();
    failed.set_exception(std::invalid_argument("failed"));
    cancelled.cancel();
    for (const Delay limit : {Delay(0s), Delay(-1s), Delay(1s)}) {
        log(co_await ended(wait_for(failed.get_future(), limit)));
        log(co_await ended(wait_for(cancelled, limit)));
    }
}

CONFORMS("wait_for.zero_does_not_start_a_coroutine") {
    for (const Delay limit : {Delay(0s), Delay(-1s)}) {
        log(co_await ended(wait_for(sleeper("never", 0s), limit)));
    }
    log(now());
}

CONFORMS("wait_for.zero_cancels_a_running_task") {
    for (const Delay limit : {Delay(0s), Delay(-1s)}) {
        auto task = create_task(sleeper("task", 10s));
        co_await turns(1);
        log(co_await ended(wait_for(task, limit)));
        log(state(task), cancelling());
    }
}

CONFORMS("wait_for.zero_waits_for_cleanup") {
    auto task = create_task(stubborn("task", 10s, 2s));
    co_await turns(1);
    log(co_await ended(wait_for(task, 0s)));
    log(state(task), now());
}

CONFORMS("wait_for.zero_takes_what_the_task_gives") {
    auto late = create_task(deaf("late", 1s));
    auto wrong = create_task(replacing(std::out_of_range("instead")));
    co_await turns(1);
    log(co_await ended(wait_for(late, 0s)));
    log(co_await ended(wait_for(wrong, 0s)));
    log(now());
}

CONFORMS("wait_for.zero_turns") {
    auto task = create_task(sleeper("task", 10s));
    co_await turns(1);
    auto ticking = create_task(clock(4));
    log(co_await ended(wait_for(task, 0s)));
    co_await ticking;
}

CONFORMS("wait_for.result_set_by_callback") {
    EventLoop& loop = get_running_loop();
    auto promise = loop.create_future<std::string>();
    loop.call_soon([promise]() mutable { promise.set_result("ok"); });
    log(co_await wait_for(promise.get_future(), 200ms));
    log(now());
}

CONFORMS("wait_for.result_just_before_the_limit") {
    EventLoop& loop = get_running_loop();
    auto promise = loop.create_future<std::string>();
    loop.call_later(1s, [promise]() mutable { promise.set_result("in time"); });
    log(co_await ended(wait_for(promise.get_future(), 1s)));
    log(state(promise.get_future()), now(), cancelling());
}

CONFORMS("wait_for.result_just_after_the_limit") {
    EventLoop& loop = get_running_loop();
    auto future = loop.create_future<std::string>().get_future();
    auto task = create_task(ended(wait_for(future, 1s)));
    co_await turns(1);
    loop.call_later(1s, [future] { log("the setter finds it", state(future)); });
    log(co_await task);
    co_await turns(2);
    log(now());
}

Task<int> swallowing() {
    try {
        co_await sleep(10s);
    } catch (const CancelledError&) {
        co_return 42;
    }
    co_return 0;
}

CONFORMS("wait_for.swallowed_cancel_gives_the_value") {
    log(co_await ended(wait_for(swallowing(), 500ms)));
    log(co_await ended(wait_for(create_task(swallowing()), 500ms)));
    log(now(), cancelling());
}

CONFORMS("wait_for.waits_beyond_the_limit") {
    log(co_await ended(wait_for(deaf("coroutine", 2s), 500ms)));
    log(co_await ended(wait_for(create_task(deaf("task", 2s)), 500ms)));
    log(now(), cancelling());
}

CONFORMS("wait_for.waits_for_cleanup") {
    log(co_await ended(wait_for(stubborn("coroutine", 10s, 2s), 500ms)));
    log(now());
    log(co_await ended(wait_for(create_task(stubborn("task", 10s, 2s)), 500ms)));
    log(now());
}

CONFORMS("wait_for.error_during_cancel") {
    const std::invalid_argument wrong("in cleanup");
    log(co_await ended(wait_for(replacing(wrong), 500ms)));
    log(co_await ended(wait_for(create_task(replacing(wrong)), 500ms)));
    log(cancelling());
}

CONFORMS("wait_for.error_passes") {
    log(co_await ended(wait_for(failing("coroutine", 250ms, std::invalid_argument("bad")), 1s)));
    auto task = create_task(failing("task", 250ms, std::out_of_range("worse")));
    log(co_await ended(wait_for(task, 1s)));
    log(co_await ended(wait_for(task, 0s)));
    log(now());
}

Task<> timing_out() {
    throw TimeoutError();
    co_return;
}

CONFORMS("wait_for.inner_timeout_error_is_its_own") {
    try {
        co_await wait_for(timing_out(), 1s);
    } catch (const TimeoutError&) {
        log("TimeoutError at", now());
    }
}

CONFORMS("wait_for.cancel_cancels_the_task") {
    for (const bool limited : {false, true}) {
        const std::optional<Delay> limit = limited ? std::optional<Delay>(60s) : std::nullopt;
        auto task = create_task(sleeper("task", 1000s));
        auto waiting = create_task(wait_for(task, limit));
        co_await turns(2);
        log(waiting.cancel());
        log(co_await ended(waiting));
        log(states(waiting, task));
    }
}

CONFORMS("wait_for.cancel_in_the_first_turn") {
    auto task = create_task(sleeper("task", 1s));
    auto waiting = create_task(wait_for(task, 60s));
    get_running_loop().call_soon([waiting]() mutable { waiting.cancel(); });
    log(co_await ended(waiting));
    log(states(waiting, task));
}

CONFORMS("wait_for.cancel_of_deaf_work") {
    auto waiting = create_task(wait_for(deaf("work", 2s), 4s));
    co_await turns(1);
    waiting.cancel();
    const std::vector tasks{waiting};
    co_await wait(tasks);
    log(state(waiting), now(), waiting.cancelling());
}

Task<std::string> done() { co_return "done"; }

Task<> wait_and_go_on(TaskHandle<std::string> task, std::vector<std::string>& reached) {
    co_await wait_for(task, 100s);
    reached.push_back("after");
    co_await sleep(1s);
    reached.push_back("end");
}

CONFORMS("wait_for.cancel_after_the_result") {
    std::vector<std::string> reached;
    auto task = create_task(done());
    auto waiting = create_task(wait_and_go_on(task, reached));
    co_await turns(1);
    log(states(task, waiting));
    log(waiting.cancel());
    log(co_await ended(waiting));
    log(states(task, waiting));
    log(reached);
}

CONFORMS("wait_for.result_and_cancel_in_one_turn") {
    auto promise = get_running_loop().create_future<std::string>();
    auto waiting = create_task(wait_for(promise.get_future(), 100s));
    co_await turns(1);
    promise.set_result("lost");
    waiting.cancel();
    log(co_await ended(waiting));
    log(states(promise.get_future(), waiting));
}

CONFORMS("wait_for.cancelled_by_somebody_else") {
    auto task = create_task(sleeper("task", 10s));
    get_running_loop().call_later(500ms, [task]() mutable { task.cancel(); });
    log(co_await ended(wait_for(task, 1s)));
    log(now(), cancelling());
}

CONFORMS("wait_for.cancel_while_the_limit_cleans_up") {
    auto waiting = create_task(wait_for(stubborn("work", 10s, 2s), 500ms));
    co_await sleep(1s);
    waiting.cancel();
    log(co_await ended(waiting));
    log(state(waiting), now(), waiting.cancelling());
}

CONFORMS("wait_for.limit_in_the_turn_of_a_cancel") {
    auto waiting = create_task(wait_for(sleeper("work", 10s), 1s));
    co_await turns(1);
    get_running_loop().call_later(1s, [waiting]() mutable { waiting.cancel(); });
    log(co_await ended(waiting));
    log(state(waiting), now(), waiting.cancelling());
}

CONFORMS("wait_for.nested") {
    log(co_await ended(wait_for(wait_for(sleeper("short inside", 10s), 500ms), 1s)));
    log(now());
    log(co_await ended(wait_for(wait_for(sleeper("short outside", 10s), 2s), 1s)));
    log(now());
}

Task<std::string> two_steps() {
    log(co_await ended(wait_for(sleeper("inner", 10s), 500ms)));
    co_return co_await sleeper("rest", 10s);
}

CONFORMS("wait_for.nested_inner_caught") {
    log(co_await ended(wait_for(two_steps(), 1s)));
    log(now(), cancelling());
}

CONFORMS("wait_for.shield_zero") {
    auto task = create_task(sleeper("task", 500ms));
    auto shielded = shield(task);
    log(co_await ended(wait_for(shielded, 0s)));
    log(states(task, shielded));
    log(co_await task);
}

CONFORMS("wait_for.shield_no_limit") {
    auto task = create_task(sleeper("task", 500ms));
    log(co_await wait_for(shield(task), std::nullopt));
    log(state(task));
}

CONFORMS("wait_for.shield_timeout") {
    auto task = create_task(sleeper("task", 500ms));
    log(co_await ended(wait_for(shield(task), 250ms)));
    log(state(task), now());
    log(co_await task);
    log(now());
}

CONFORMS("wait_for.turns_of_a_timeout") {
    EventLoop& loop = get_running_loop();
    loop.call_later(1s, [] { create_task(clock(4)); });
    log(co_await ended(wait_for(sleeper("coroutine", 10s), 1s)));
    co_await turns(5);
    loop.call_later(1s, [] { create_task(clock(4)); });
    log(co_await ended(wait_for(create_task(sleeper("task", 10s)), 1s)));
    co_await turns(5);
}

}  // namespace
}  // namespace ringio::conformance

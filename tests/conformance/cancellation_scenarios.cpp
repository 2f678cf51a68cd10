// cancellation: what cancel() and uncancel() do to a task.
#include <ringio/tasks.hpp>
#include "scenario.hpp"

namespace ringio::conformance {
namespace {

template <class T>
Task<T> await_future(Future<T> future) {
    co_return co_await future;
}

/// Asks the running task itself to cancel.
bool cancel_self() { return current_task().cancel(); }

Task<int> sleep_then_twelve() {
    co_await sleep(10s);
    co_return 12;
}

CONFORMS("cancellation.cancel") {
    auto task = create_task(sleep_then_twelve());
    get_running_loop().call_soon([&] { task.cancel(); });
    log(co_await ended(task));
    log(task.done(), task.cancelled(), task.cancel(), now());
    log(call([&] { task.result(); }), call([&] { static_cast<void>(task.exception()); }));
}

CONFORMS("cancellation.is_a_request") {
    auto task = create_task(sleep(10s));
    co_await sleep(0s);
    const bool accepted = task.cancel();
    log(accepted, task.cancelled(), task.done(), task.cancelling());
    co_await sleep(0s);
    log(task.cancelled(), task.done(), task.cancelling());
}

Task<> log_not_reached() {
    log("not reached");
    co_return;
}

CONFORMS("cancellation.before_start") {
    auto task = create_task(log_not_reached());
    log(task.cancel());
    const std::string end = co_await ended(task);
    log(end, task.cancelled());
}

CONFORMS("cancellation.yield") {
    auto task = create_task(turns(2));
    co_await sleep(0s);
    task.cancel();
    log(co_await ended(task));
    log(task.done(), task.cancelled(), task.cancel());
}

CONFORMS("cancellation.inner_future") {
    Future<> future = loop_promise().get_future();
    auto task = create_task(await_future(future));
    co_await sleep(0s);
    future.cancel();
    log(co_await ended(task));
    log(future.cancelled(), task.cancelled(), task.cancelling());
}

CONFORMS("cancellation.both_task_and_inner_future") {
    Future<> future = loop_promise().get_future();
    const auto work = [&]() -> Task<> {
        bool cancelled = false;
        try {
            co_await future;
        } catch (const CancelledError&) {
            log("cancelled");
            cancelled = true;
        }
        co_await sleep(0s);
        if (cancelled) {
            throw CancelledError();
        }
    };
    auto task = create_task(work());
    co_await sleep(0s);
    const bool future_accepted = future.cancel();
    log(future_accepted, task.cancel());
    log(co_await ended(task));
    log(task.done(), future.cancelled(), task.cancelled());
}

CONFORMS("cancellation.task_catching") {
    auto promise1 = loop_promise();
    Future<> fut1 = promise1.get_future();
    Future<> fut2 = loop_promise().get_future();
    const auto work = [&]() -> Task<int> {
        co_await fut1;
        try {
            co_await fut2;
        } catch (const CancelledError&) {
            co_return 42;
        }
        co_return 0;
    };
    auto task = create_task(work());
    co_await sleep(0s);
    promise1.set_result();
    co_await sleep(0s);
    task.cancel();
    log(fut2.cancelled());
    log(co_await ended(task));
    log(task.cancelled(), task.cancelling());
}

CONFORMS("cancellation.task_ignoring") {
    auto promise1 = loop_promise();
    auto promise3 = loop_promise<int>();
    Future<> fut1 = promise1.get_future();
    Future<> fut2 = loop_promise().get_future();
    Future<int> fut3 = promise3.get_future();
    const auto work = [&]() -> Task<int> {
        co_await fut1;
        try {
            co_await fut2;
        } catch (const CancelledError&) {
        }
        co_return co_await fut3;
    };
    auto task = create_task(work());
    co_await sleep(0s);
    promise1.set_result();
    co_await sleep(0s);
    task.cancel();
    log(fut2.cancelled());
    co_await sleep(0s);
    promise3.set_result(42);
    log(co_await ended(task));
    log(fut3.cancelled(), task.cancelled());
}

Task<int> cancel_self_then_sleep() {
    log(cancel_self());
    log("still running");
    co_await sleep(100s);
    co_return 12;
}

CONFORMS("cancellation.current_task") {
    auto task = create_task(cancel_self_then_sleep());
    log(co_await ended(task));
    log(task.done(), task.cancelled(), task.cancel(), now());
}

CONFORMS("cancellation.current_task_done_future") {
    auto promise = loop_promise<std::string>();
    promise.set_result("done");
    const auto work = [&]() -> Task<> {
        cancel_self();
        log(co_await promise.get_future());
        co_await sleep(0s);
        log("not reached");
    };
    log(co_await ended(create_task(work())));
}

Task<int> cancel_self_then_return() {
    cancel_self();
    co_return 12;
}

CONFORMS("cancellation.at_end") {
    auto task = create_task(cancel_self_then_return());
    log(co_await ended(task));
    log(task.done(), task.cancelled(), task.cancel());
}

Task<> cancel_self_then_fail() {
    cancel_self();
    throw std::invalid_argument("mine");
    co_return;
}

CONFORMS("cancellation.at_end_with_error") {
    auto task = create_task(cancel_self_then_fail());
    log(co_await ended(task));
    log(task.cancelled(), task.cancelling());
}

CONFORMS("cancellation.awaited_task") {
    Future<> future = loop_promise().get_future();
    const auto work = [&]() -> Task<> {
        auto nested = create_task(await_future(future), {.name = "nested"});
        nested.add_done_callback(
            [](const TaskHandle<>& done) { log(done.get_name(), done.cancelled()); });
        co_await sleep(0s);
        cancel_self();
        co_await nested;
    };
    auto task = create_task(work());
    log(co_await ended(task));
    log(task.cancelled(), future.cancelled());
}

template <class A>
Task<> log_level(const char* name, A awaitable) {
    try {
        co_await awaitable;
    } catch (const CancelledError&) {
        log(name, "cancelled");
        throw;
    }
}

CONFORMS("cancellation.goes_through_tasks") {
    Future<> future = loop_promise().get_future();
    auto inner = create_task(log_level("inner", future));
    auto middle = create_task(log_level("middle", inner));
    auto outer = create_task(log_level("outer", middle));
    co_await turns(2);
    outer.cancel();
    log(future.cancelled(), outer.cancelling(), middle.cancelling(), inner.cancelling());
    log(co_await ended(outer));
    log(inner.cancelled(), middle.cancelled(), outer.cancelled());
}

Task<std::string> refuse_to_be_cancelled() {
    try {
        co_await sleep(10s);
    } catch (const CancelledError&) {
        co_return "refused";
    }
    co_return "not cancelled";
}

CONFORMS("cancellation.child_that_refuses") {
    const auto work = []() -> Task<std::string> {
        co_return co_await create_task(refuse_to_be_cancelled());
    };
    auto task = create_task(work());
    co_await turns(2);
    task.cancel();
    const std::string end = co_await ended(task);
    log(end, task.cancelling(), task.cancelled());
}

CONFORMS("cancellation.after_result") {
    auto promise = loop_promise<std::string>();
    auto task = create_task(await_future(promise.get_future()));
    co_await sleep(0s);
    promise.set_result("lost");
    log(task.cancel());
    const std::string end = co_await ended(task);
    log(end, task.cancelled(), promise.cancelled());
}

CONFORMS("cancellation.after_error") {
    auto promise = loop_promise<std::string>();
    Future<std::string> future = promise.get_future();
    auto task = create_task(await_future(future));
    co_await sleep(0s);
    promise.set_exception(std::invalid_argument("lost"));
    log(task.cancel());
    const std::string end = co_await ended(task);
    log(end, task.cancelled(), error(future.exception()));
}

CONFORMS("cancellation.twice") {
    const auto work = []() -> Task<> {
        for (int attempt = 0; attempt < 3; ++attempt) {
            try {
                co_await sleep(10s);
            } catch (const CancelledError&) {
                log("cancelled, attempt", attempt);
            }
        }
    };
    auto task = create_task(work());
    co_await sleep(0s);
    const bool first = task.cancel();
    const bool second = task.cancel();
    log(first, second, task.cancelling());
    co_await sleep(1s);
    const bool third = task.cancel();
    log(third, task.cancelling());
    co_await ended(task);
    log(task.cancelled(), task.cancelling(), now());
}

CONFORMS("cancellation.during_cleanup") {
    const auto clean_up = []() -> Task<> {
        bool finished = false;
        try {
            co_await sleep(10s);
            finished = true;
        } catch (...) {
            log("cleaned up", now());
            throw;
        }
        log("not reached", finished);
    };
    const auto work = [&]() -> Task<> {
        std::exception_ptr ended_by;
        try {
            co_await sleep(10s);
        } catch (...) {
            ended_by = std::current_exception();
        }
        co_await clean_up();
        std::rethrow_exception(ended_by);
    };
    auto task = create_task(work());
    co_await sleep(1s);
    task.cancel();
    co_await sleep(1s);
    task.cancel();
    log(co_await ended(task));
}

CONFORMS("cancellation.done_task") {
    auto task = create_task(value("kept"s));
    co_await task;
    const bool accepted = task.cancel();
    log(accepted, task.cancelling(), task.result());
}

CONFORMS("cancellation.cancelled_without_request") {
    const auto work = []() -> Task<> {
        throw CancelledError("of its own");
        co_return;
    };
    auto task = create_task(work());
    log(co_await ended(task));
    log(task.cancelled(), task.cancelling());
}

CONFORMS("cancellation.awaiting_a_cancelled_task") {
    auto task = create_task(sleep(1s));
    task.cancel();
    const std::string first = co_await ended(task);
    const std::string second = co_await ended(task);
    log(first, second);
    log(current_task().cancelling());
}

CONFORMS("cancellation.turns_into_an_error") {
    const auto work = []() -> Task<> {
        try {
            co_await sleep(10s);
        } catch (const CancelledError&) {
            throw std::invalid_argument("instead");
        }
    };
    auto task = create_task(work());
    co_await sleep(0s);
    task.cancel();
    const std::string end = co_await ended(task);
    log(end, task.cancelled());
}

CONFORMS("cancellation.cancelling") {
    auto task = create_task(sleep(10s));
    log(task.cancelling());
    const bool first = task.cancel();
    log(first, task.cancelling());
    const bool second = task.cancel();
    log(second, task.cancelling());
    const std::string end = co_await ended(task);
    log(end, task.cancelling());
}

CONFORMS("cancellation.uncancel_basic") {
    const auto work = []() -> Task<> {
        try {
            co_await sleep(10s);
        } catch (const CancelledError&) {
            log("uncancel", current_task().uncancel());
        }
        co_await sleep(10s);
    };
    auto task = create_task(work());
    co_await sleep(0s);
    const bool first = task.cancel();
    log(first, task.cancelling(), task.cancelled());
    co_await sleep(10ms);
    log(task.cancelling(), task.cancelled());
    const bool second = task.cancel();
    log(second, task.cancelling(), task.cancelled());
    log(co_await ended(task));
    log(task.cancelled(), task.done());
    log(task.uncancel(), task.cancelled(), task.done());
}

CONFORMS("cancellation.uncancel_of_nothing") {
    auto task = create_task(value(1));
    log(task.uncancel(), task.cancelling());
    log(co_await task);
}

Task<> request(Delay delay, Delay limit) {
    AnyTask task = current_task();
    bool fired = false;
    bool finished = false;
    TimerHandle handle = get_running_loop().call_later(limit, [&] {
        fired = true;
        task.cancel();
    });
    try {
        co_await sleep(delay);
        finished = true;
    } catch (const CancelledError&) {
        if (!fired || task.uncancel() > 0) {
            throw;
        }
    }
    handle.cancel();
    co_await sleep(0s);
    log(fired, finished, task.cancelling());
}

CONFORMS("cancellation.uncancel_structured_blocks") {
    co_await create_task(request(10s, 100ms));
    co_await create_task(request(0s, 10s));
}

CONFORMS("cancellation.uncancel_resets_must_cancel") {
    auto promise = loop_promise();
    const auto work = [&]() -> Task<int> {
        co_await promise.get_future();
        co_return 42;
    };
    auto task = create_task(work());
    co_await sleep(0s);
    promise.set_result();
    task.cancel();
    log(task.cancelling());
    const unsigned left = task.uncancel();
    log(left, task.cancelling());
    log(co_await ended(task));
}

CONFORMS("cancellation.uncancel_before_start") {
    auto task = create_task(value("ran"s));
    task.cancel();
    log(task.uncancel());
    log(co_await ended(task));
}

CONFORMS("cancellation.uncancel_does_not_reach_the_wait") {
    auto task = create_task(sleep(10s));
    co_await sleep(0s);
    task.cancel();
    log(task.uncancel());
    const std::string end = co_await ended(task);
    log(end, task.cancelled());
}

CONFORMS("cancellation.with_message_then_future_result") {
    auto task = create_task(sleep(10s));
    co_await sleep(0s);
    task.cancel("my message");
    co_await wait(std::vector(1, task));
    log(call([&] { task.result(); }));
}

CONFORMS("cancellation.with_message_then_future_exception") {
    auto task = create_task(sleep(10s));
    co_await sleep(0s);
    task.cancel("my message");
    co_await wait(std::vector(1, task));
    log(call([&] { static_cast<void>(task.exception()); }));
}

CONFORMS("cancellation.with_message_before_starting_task") {
    auto task = create_task(sleep(10s));
    task.cancel("my message");
    co_await wait(std::vector(1, task));
    log(call([&] { static_cast<void>(task.exception()); }));
}

CONFORMS("cancellation.message_is_seen_inside") {
    const auto work = []() -> Task<> {
        try {
            co_await sleep(10s);
        } catch (const CancelledError&) {
            log("inside", error_of_current());
            throw;
        }
    };
    auto task = create_task(work());
    co_await sleep(0s);
    task.cancel("stop it");
    log(co_await ended(task));
}

CONFORMS("cancellation.message_last_wins") {
    auto promise = loop_promise();
    auto task = create_task(await_future(promise.get_future()));
    co_await sleep(0s);
    promise.set_result();
    task.cancel("first");
    task.cancel("second");
    log(co_await ended(task));
}

CONFORMS("cancellation.cancellation_exception_context") {
    auto inner = create_task(sleep(10s));
    co_await sleep(0s);
    get_running_loop().call_soon([&] { inner.cancel("msg"); });
    try {
        co_await inner;
    } catch (const CancelledError&) {
        log(error_of_current(), inner.cancelled());
    }
}

CONFORMS_PLAIN("cancellation.baseexception_during_cancel") {
    EventLoop loop(virtual_time());
    const auto work = []() -> Task<> {
        try {
            co_await sleep(10s);
        } catch (const CancelledError&) {
            throw KeyboardInterrupt();
        }
    };
    auto task = loop.create_task(work());
    loop.run_until_complete(turns(1));
    task.cancel();
    log(task.done());
    log(call([&] { loop.run_until_complete(turns(3)); }));
    log(task.done(), task.cancelled(), error(task.exception()));
}

CONFORMS("cancellation.task_cancel_waiter_future") {
    Future<> future = loop_promise().get_future();
    auto task = create_task(await_future(future));
    co_await sleep(0s);
    task.cancel();
    log(future.cancelled(), task.done());
    log(co_await ended(task));
}

CONFORMS("cancellation.yield_future_passes_cancel") {
    int proof = 0;
    const auto inner = [&]() -> Task<> {
        try {
            co_await sleep(10s);
        } catch (const CancelledError&) {
            proof += 1;
            throw;
        }
    };
    const auto outer = [&]() -> Task<> {
        try {
            co_await create_task(inner());
        } catch (const CancelledError&) {
            proof += 10;
        }
    };
    auto task = create_task(outer());
    co_await turns(2);
    task.cancel();
    const std::string end = co_await ended(task);
    log(end, proof);
}

CONFORMS("cancellation.yield_wait_does_not_shield_cancel") {
    int proof = 0;
    const auto inner = [&]() -> Task<> {
        co_await sleep(1s);
        proof += 1;
    };
    const auto outer = [&]() -> Task<> {
        std::vector<TaskHandle<>> tasks(1, create_task(inner()));
        co_await wait(tasks);
        proof += 100;
    };
    auto task = create_task(outer());
    co_await turns(2);
    task.cancel();
    const std::string end = co_await ended(task);
    log(end, proof);
    co_await sleep(2s);
    log(proof);
}

CONFORMS("cancellation.tb_logger_not_called_after_cancel") {
    log_reports();
    TaskHandle<> task = create_task(fail("not reported"));
    co_await sleep(0s);
    log(task.cancel());
    task = {};
    log("end");
}

CONFORMS("cancellation.self_cancel_in_finally") {
    const auto work = []() -> Task<> {
        std::exception_ptr ended_by;
        try {
            throw std::invalid_argument("boom");
        } catch (...) {
            ended_by = std::current_exception();
        }
        co_await sleep(10s);
        std::rethrow_exception(ended_by);
    };
    auto task = create_task(work());
    co_await sleep(0s);
    task.cancel();
    const std::string end = co_await ended(task);
    log(end, task.cancelled());
}

}  // namespace
}  // namespace ringio::conformance

// gather: several awaitables at once, one result in the order of the arguments.
#include <ringio/tasks.hpp>
#include "scenario.hpp"

namespace ringio::conformance {
namespace {

/// The elements of a gather's tuple, as the list that Python gives.
template <class... Ts>
std::string list(const std::tuple<Ts...>& results) {
    std::string all;
    const auto add = [&](const auto& result) {
        all += (all.empty() ? "" : ", ") + detail::repr(result);
    };
    std::apply([&](const auto&... each) { (add(each), ...); }, results);
    return "[" + all + "]";
}

template <class T>
std::string outcome(const Outcome<T>& result) {
    return result ? text(*result) : error(result.exception());
}

CONFORMS("gather.success") {
    auto a = loop_promise<int>();
    auto b = loop_promise<int>();
    auto c = loop_promise<int>();
    auto both = gather(a.get_future(), b.get_future(), c.get_future());
    c.set_result(3);
    a.set_result(1);
    co_await turns(1);
    log(both.done());
    b.set_result(2);
    co_await turns(1);
    log(both.done());
    log(list(co_await both));
}

Task<std::string> work(std::string name, Delay delay) {
    log("start", name);
    co_await sleep(delay);
    log("end", name);
    co_return name;
}

CONFORMS("gather.coroutines") {
    auto outer = gather(work("a", 2s), work("b", 1s));
    log("called");
    const std::string results = list(co_await outer);
    log(results, now());
}

CONFORMS("gather.heterogenous_arguments") {
    auto promise = loop_promise<std::string>();
    auto task = create_task(value("task"s));
    auto outer = gather(promise.get_future(), task, value("coroutine"s));
    promise.set_result("future");
    log(list(co_await outer));
}

CONFORMS("gather.empty") {
    auto outer = gather();
    log(outer.done());
    log(co_await gather(std::vector<Future<int>>()));
}

CONFORMS("gather.duplicates") {
    auto task = create_task(value(7));
    log(list(co_await gather(task, task)));
}

CONFORMS("gather.done_children") {
    auto first = loop_promise<int>();
    auto second = loop_promise<int>();
    first.set_result(1);
    second.set_result(2);
    auto outer = gather(first.get_future(), second.get_future());
    co_await turns(1);
    log(outer.done());
    log(list(co_await outer));
}

CONFORMS("gather.one_exception") {
    auto a = loop_promise<int>();
    auto b = loop_promise<int>();
    auto c = loop_promise<int>();
    auto outer = gather(a.get_future(), b.get_future(), c.get_future());
    b.set_exception(std::invalid_argument("b"));
    co_await turns(1);
    log(outer.done(), a.done(), c.done());
    a.set_result(1);
    c.get_future().cancel();
    log(co_await ended(AnyFuture(outer)));
    log(a.get_future().result(), c.cancelled(), outer.cancelled());
}

Task<> fail_after(Delay delay, const char* message) {
    co_await sleep(delay);
    throw std::invalid_argument(message);
}

CONFORMS("gather.first_of_two_errors") {
    log_reports();
    const auto late_failure = []() -> Task<> {
        co_await sleep(2s);
        log("late failure");
        throw std::invalid_argument("late");
    };
    auto outer = gather(late_failure(), fail_after(1s, "early"));
    const std::string end = co_await ended(AnyFuture(outer));
    log(end, now());
    outer = {};
    co_await sleep(2s);
    log("end");
}

CONFORMS("gather.siblings_go_on") {
    const auto sibling = []() -> Task<int> {
        co_await sleep(1s);
        log("sibling done");
        co_return 1;
    };
    auto task = create_task(sibling());
    auto outer = gather(task, fail("bad"));
    log(co_await ended(AnyFuture(outer)));
    log(task.done(), task.cancelled(), outer.cancel());
    log(co_await task);
}

CONFORMS("gather.return_exceptions") {
    std::vector<Promise<int>> children;
    std::vector<Future<int>> futures;
    for (int i = 0; i < 4; ++i) {
        children.push_back(loop_promise<int>());
        futures.push_back(children.back().get_future());
    }
    auto outer = gather(return_exceptions, futures);
    children[0].set_exception(std::runtime_error("a"));
    children[1].set_result(2);
    co_await turns(1);
    log(outer.done());
    children[2].set_exception(std::invalid_argument("c"));
    children[3].set_result(4);
    const auto results = co_await outer;
    log(outcome(results[0]), outcome(results[1]), outcome(results[2]), outcome(results[3]));
}

CONFORMS("gather.return_exceptions_cancelled_child") {
    auto a = loop_promise<int>();
    auto b = loop_promise<int>();
    auto outer = gather(return_exceptions, a.get_future(), b.get_future());
    a.get_future().cancel();
    co_await turns(1);
    log(outer.done());
    b.set_result(2);
    const auto& [first, second] = co_await outer;
    log(outcome(first), outcome(second));
}

CONFORMS("gather.one_cancellation") {
    Future<> a = loop_promise().get_future();
    Future<> b = loop_promise().get_future();
    auto outer = gather(a, b);
    a.cancel();
    co_await turns(1);
    log(outer.done(), outer.cancelled(), b.done());
    log(co_await ended(AnyFuture(outer)));
    b.cancel();
}

CONFORMS("gather.child_raises_cancelled_error") {
    const auto raise = []() -> Task<> {
        throw CancelledError();
        co_return;
    };
    auto outer = gather(raise(), value(1));
    const std::string end = co_await ended(AnyFuture(outer));
    log(end, outer.cancelled());
}

CONFORMS("gather.cancel") {
    Future<> a = loop_promise().get_future();
    Future<> b = loop_promise().get_future();
    auto outer = gather(a, b);
    const bool accepted = outer.cancel();
    log(accepted, outer.done(), a.cancelled(), b.cancelled());
    log(co_await ended(AnyFuture(outer)));
    log(outer.cancelled(), outer.done(), outer.cancel());
}

CONFORMS("gather.cancellation_broadcast") {
    int proof = 0;
    std::vector<TaskHandle<>> children;
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
            co_await gather(children);
        } catch (const CancelledError&) {
            proof += 100;
            throw;
        }
    };
    children.push_back(create_task(inner()));
    children.push_back(create_task(inner()));
    auto task = create_task(outer());
    co_await turns(2);
    log(task.cancel());
    log(co_await ended(task));
    const std::vector<bool> cancelled = {children[0].cancelled(), children[1].cancelled()};
    log(proof, task.cancelled(), cancelled);
}

CONFORMS("gather.cancel_with_done_child") {
    auto a = loop_promise<int>();
    auto b = loop_promise<int>();
    auto outer = gather(a.get_future(), b.get_future());
    a.set_result(1);
    co_await turns(1);
    const bool accepted = outer.cancel();
    log(accepted, a.cancelled(), b.cancelled());
    log(co_await ended(AnyFuture(outer)));
}

CONFORMS("gather.cancel_after_the_last_child") {
    auto a = loop_promise<std::string>();
    auto outer = gather(a.get_future());
    a.set_result("kept");
    log(outer.cancel());
    log(list(co_await outer));
}

Task<std::string> stubborn() {
    try {
        co_await sleep(10s);
    } catch (const CancelledError&) {
        log("refused");
    }
    co_return "value";
}

CONFORMS("gather.cancel_a_child_that_refuses") {
    auto outer = gather(stubborn(), stubborn());
    co_await turns(1);
    log(outer.cancel());
    const std::string end = co_await ended(AnyFuture(outer));
    log(end, outer.cancelled());
}

Task<> slow_to_go(Delay delay, bool tell) {
    std::exception_ptr ended_by;
    try {
        co_await sleep(10s);
    } catch (const CancelledError&) {
        ended_by = std::current_exception();
    }
    co_await sleep(delay);
    if (tell) {
        log("gone at", now());
    }
    std::rethrow_exception(ended_by);
}

CONFORMS("gather.cancel_with_return_exceptions") {
    auto outer = gather(return_exceptions, slow_to_go(1s, true), slow_to_go(2s, true));
    co_await turns(1);
    outer.cancel();
    const std::string end = co_await ended(AnyFuture(outer));
    log(end, outer.cancelled(), now());
}

CONFORMS("gather.cancel_waits_for_the_first") {
    auto outer = gather(slow_to_go(2s, true), slow_to_go(1s, true));
    co_await turns(1);
    outer.cancel();
    const std::string end = co_await ended(AnyFuture(outer));
    log(end, now());
    co_await sleep(2s);
}

CONFORMS("gather.cancel_gather_1") {
    auto event = loop_promise();
    const auto create = [&]() -> Task<int> {
        co_await event.get_future();
        co_return 1;
    };
    auto child = create_task(create());
    auto gathering = gather(child);
    co_await turns(1);
    event.set_result();
    log(gathering.cancel());
    log(co_await ended(AnyFuture(gathering)));
    log(child.cancelled());
}

CONFORMS("gather.cancel_message") {
    const auto wait_for_message = []() -> Task<> {
        try {
            co_await sleep(10s);
        } catch (const CancelledError&) {
            log(error_of_current());
            throw;
        }
    };
    auto outer = gather(wait_for_message());
    co_await turns(1);
    outer.cancel("my message");
    co_await ended(AnyFuture(outer));
}

CONFORMS("gather.exception_marking") {
    log_reports();
    auto outer = gather(fail_after(1s, "1"), fail_after(2s, "2"), fail_after(3s, "3"));
    log(co_await ended(AnyFuture(outer)));
    co_await sleep(5s);
    outer = {};
    log("end");
}

CONFORMS("gather.unretrieved") {
    log_reports();
    auto outer = gather(fail("lost"));
    co_await turns(3);
    outer = {};
    log("end");
}

CONFORMS("gather.dropped") {
    const auto run = []() -> Task<> {
        co_await sleep(1s);
        log("ran");
    };
    gather(run());
    co_await sleep(2s);
}

CONFORMS("gather.issue46672") {
    const auto yield = []() -> Task<int> {
        co_await sleep(0s);
        co_return 1;
    };
    auto promise = loop_promise();
    promise.set_exception(std::invalid_argument("done before"));
    log(co_await ended(AnyFuture(gather(yield(), promise.get_future()))));
    co_await turns(2);
}

CONFORMS("gather.nested") {
    const auto results = co_await gather(gather(value(1), value(2)), gather(value(3)));
    log("[" + list(std::get<0>(results)) + ", " + list(std::get<1>(results)) + "]");
}

CONFORMS("gather.nested_cancel") {
    std::vector<Future<>> leaves;
    for (int i = 0; i < 3; ++i) {
        leaves.push_back(loop_promise().get_future());
    }
    auto outer = gather(gather(leaves[0], leaves[1]), gather(leaves[2]));
    const bool accepted = outer.cancel();
    std::vector<bool> cancelled;
    for (const Future<>& leaf : leaves) {
        cancelled.push_back(leaf.cancelled());
    }
    log(accepted, cancelled);
    log(co_await ended(AnyFuture(outer)));
}

CONFORMS("gather.order_of_callbacks") {
    auto a = loop_promise<int>();
    auto b = loop_promise<int>();
    a.get_future().add_done_callback([] { log("a, before"); });
    auto outer = gather(a.get_future(), b.get_future());
    outer.add_done_callback([] { log("outer"); });
    b.get_future().add_done_callback([] { log("b, after"); });
    a.set_result(1);
    b.set_result(2);
    co_await turns(1);
    log("turn", outer.done());
    co_await turns(1);
}

CONFORMS("gather.awaiting_task_is_cancelled_in_time") {
    const auto gather_both = []() -> Task<> {
        co_await gather(slow_to_go(1s, false), slow_to_go(1s, false));
    };
    auto task = create_task(gather_both());
    co_await turns(2);
    task.cancel();
    co_await sleep(500ms);
    log(task.done());
    const std::string end = co_await ended(task);
    log(end, now());
}

CONFORMS("gather.result_of_a_pending_one") {
    auto outer = gather(sleep(1s, "slept"s));
    log(outer.done(), call([&] { static_cast<void>(outer.result()); }));
    co_await sleep(2s);
    log(outer.done(), list(outer.result()));
}

}  // namespace
}  // namespace ringio::conformance

// shield: cancelling the one who waits does not cancel what is waited for.
#include <ringio/tasks.hpp>
#include "scenario.hpp"

namespace ringio::conformance {
namespace {

CONFORMS("shield.result") {
    auto inner = loop_promise<int>();
    auto outer = shield(inner.get_future());
    inner.set_result(42);
    log(outer.done());
    log(co_await outer);
}

CONFORMS("shield.exception") {
    auto inner = loop_promise<int>();
    auto outer = shield(inner.get_future());
    inner.set_exception(std::runtime_error("expected"));
    log(co_await ended(outer));
}

CONFORMS("shield.coroutine") {
    const auto work = []() -> Task<std::string> {
        log("runs");
        co_return "result";
    };
    auto outer = shield(work());
    log("called");
    co_await turns(1);
    log("awaited");
    log(co_await outer);
}

CONFORMS("shield.cancel_inner") {
    Future<> inner = loop_promise().get_future();
    auto outer = shield(inner);
    co_await turns(1);
    inner.cancel();
    log(outer.done());
    co_await turns(1);
    log(outer.cancelled());
    log(co_await ended(outer));
}

CONFORMS("shield.cancel_outer") {
    auto inner = loop_promise<std::string>();
    auto outer = shield(inner.get_future());
    co_await turns(1);
    const bool accepted = outer.cancel();
    log(accepted, outer.cancelled());
    co_await turns(2);
    log(inner.done(), inner.cancelled());
    inner.set_result("unheard");
    co_await turns(2);
    log(outer.cancelled(), inner.get_future().result());
}

CONFORMS("shield.shortcut") {
    auto promise = loop_promise<int>();
    promise.set_result(42);
    Future<int> inner = promise.get_future();
    auto outer = shield(inner);
    const int result = co_await outer;
    log(outer.done(), outer == inner, result);
}

CONFORMS("shield.effect") {
    int proof = 0;
    const auto inner = [&]() -> Task<> {
        co_await sleep(1s);
        proof += 1;
    };
    const auto outer = [&]() -> Task<> {
        co_await shield(inner());
        proof += 100;
    };
    auto task = create_task(outer());
    co_await turns(2);
    task.cancel();
    const std::string end = co_await ended(task);
    log(end, task.cancelled(), now());
    co_await sleep(2s);
    log(proof);
}

CONFORMS("shield.gather") {
    auto child1 = loop_promise<int>();
    auto child2 = loop_promise<int>();
    std::vector<Future<int>> children = {child1.get_future(), child2.get_future()};
    auto parent = gather(children);
    auto outer = shield(parent);
    co_await turns(1);
    outer.cancel();
    co_await turns(1);
    log(outer.cancelled(), parent.done());
    child1.set_result(1);
    child2.set_result(2);
    co_await turns(2);
    log(co_await parent);
}

CONFORMS("shield.gather_of_shields") {
    auto child1 = loop_promise<int>();
    auto child2 = loop_promise<int>();
    auto parent = gather(shield(child1.get_future()), shield(child2.get_future()));
    co_await turns(1);
    log(parent.cancel());
    log(co_await ended(AnyFuture(parent)));
    log(child1.done(), child2.done());
    child1.set_result(1);
    child2.set_result(2);
    co_await turns(2);
}

CONFORMS("shield.cancel_and_finish_at_once") {
    auto inner = loop_promise<std::string>();
    const auto waiter = [&]() -> Task<std::string> {
        co_return co_await shield(inner.get_future());
    };
    auto task = create_task(waiter());
    co_await turns(1);
    inner.set_result("kept");
    task.cancel();
    const std::string end = co_await ended(task);
    log(end, inner.get_future().result());
}

CONFORMS("shield.wait_for_it_afterwards") {
    auto inner = create_task(sleep(2s, "saved"s));
    const auto careful = [&]() -> Task<std::string> {
        try {
            co_return co_await shield(inner);
        } catch (const CancelledError&) {
            log("cancelled at", now());
        }
        co_return co_await inner;
    };
    auto task = create_task(careful());
    co_await sleep(1s);
    task.cancel();
    const std::string end = co_await ended(task);
    log(end, now());
}

CONFORMS("shield.inner_task_is_cancelled") {
    auto inner = create_task(sleep(10s));
    const auto waiter = [&]() -> Task<> { co_await shield(inner); };
    auto task = create_task(waiter());
    co_await turns(2);
    inner.cancel();
    log(co_await ended(task));
    log(task.cancelled(), task.cancelling(), inner.cancelled());
}

CONFORMS("shield.twice") {
    auto inner = create_task(sleep(1s, "result"s));
    auto first = shield(inner);
    auto second = shield(inner);
    first.cancel();
    const std::string first_end = co_await ended(first);
    const std::string second_end = co_await ended(second);
    log(first_end, second_end);
}

CONFORMS("shield.nested") {
    auto inner = loop_promise<std::string>();
    auto outer = shield(shield(inner.get_future()));
    inner.set_result("through both");
    log(co_await outer);
}

CONFORMS("shield.error_of_a_cancelled_one") {
    log_reports();
    auto inner = create_task(fail("seen by its owner"));
    auto outer = shield(inner);
    outer.cancel();
    log(co_await ended(inner));
    inner = {};
    outer = {};
    log("end");
}

CONFORMS("shield.cancel_message") {
    auto inner = loop_promise<int>();
    auto outer = shield(inner.get_future());
    outer.cancel("my message");
    log(co_await ended(outer));
    inner.set_result(1);
}

CONFORMS("shield.value") {
    auto outer = shield(value("shared"s));
    std::vector<Future<std::string>> both(2, outer);
    log(co_await gather(both));
}

}  // namespace
}  // namespace ringio::conformance

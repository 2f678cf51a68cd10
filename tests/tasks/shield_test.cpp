#include <ringio/tasks/shield.hpp>

#include <ringio/core/format.hpp>

#include "scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<> await_shielded(EventLog& log, TaskHandle<std::string> inner) {
    try {
        co_await shield(inner);
    } catch (const CancelledError&) {
        log("cancelled");
    }
}

}  // namespace

ASYNC_TEST_CASE("shield: passes a result and an error on", "[any_order]") {
    const int value = co_await shield(give_after(1s, 5));
    CHECK(value == 5);
    const auto end = co_await told(shield(fail_after(1s, "bad")));
    CHECK(end == "bad");
    co_await shield(sleep(1s));
}

ASYNC_TEST_CASE("shield: of a future that is done is that future", "[any_order]") {
    auto task = create_task(give(1));
    co_await task;
    CHECK(shield(task) == task);
}

ASYNC_TEST_CASE("shield: when the waiting task is cancelled, the inner one goes on",
                "[any_order]") {
    auto inner = create_task(give_after(5s, 1));
    auto waiter = create_task(told(shield(inner)));
    co_await sleep(1s);
    waiter.cancel();
    const std::string end = co_await waiter;
    CHECK(end == "CancelledError");
    CHECK_FALSE(inner.done());
    CHECK(inner.cancelling() == 0);
    const int value = co_await inner;
    CHECK(value == 1);
}

ASYNC_TEST_CASE("shield: cancelling the inner one cancels the outer one, one turn later") {
    Promise<int> promise = get_running_loop().create_future<int>();
    auto outer = shield(promise.get_future());
    promise.get_future().cancel();
    CHECK_FALSE(outer.cancelled());
    co_await sleep(0s);
    CHECK(outer.cancelled());
}

ASYNC_TEST_CASE("shield: cancelling the outer one leaves the inner one without a callback") {
    Promise<int> promise = get_running_loop().create_future<int>();
    auto outer = shield(promise.get_future());
    CHECK(outer.cancel());
    CHECK(outer.cancelled());
    co_await sleep(0s);
    CHECK(fmt::format("{}", promise.get_future()) == "<Future pending>");
    promise.set_result(1);
    co_await sleep(0s);
}

ASYNC_TEST_CASE("shield: an error after the outer one was cancelled counts as seen") {
    const Reports reports;
    Promise<int> promise = get_running_loop().create_future<int>();
    {
        auto outer = shield(promise.get_future());
        outer.cancel();
        promise.set_exception(std::runtime_error("late"));  // in the same turn
        co_await yield(2);
    }
    promise = Promise<int>();
    CHECK(reports.messages().empty());
}

ASYNC_TEST_CASE("shield: result and cancel in the same turn, the cancellation wins") {
    Promise<int> promise = get_running_loop().create_future<int>();
    auto waiter = create_task(told(shield(promise.get_future())));
    co_await sleep(0s);
    promise.set_result(1);
    waiter.cancel();
    waiter.cancel();
    const std::string end = co_await waiter;
    CHECK(end == "CancelledError");
    CHECK(promise.get_future().result() == 1);
}

ASYNC_TEST_CASE("shield: of a future that nobody sets is not leaked", "[any_order]") {
    Promise<int> promise = get_running_loop().create_future<int>();
    {
        const auto outer = shield(promise.get_future());
        CHECK_FALSE(outer.done());
    }
    co_await sleep(0s);
}

ASYNC_TEST_CASE("shield: two hops after the inner one") {
    EventLog log;
    auto ticks = create_task(tick(log, 8));
    co_await shield(work(log, "a", 1));
    log("got");
    co_await ticks;
    CHECK(log.joined() == "1 a+ 2 a- 3 4 got 5 6 7 8");
}

ASYNC_TEST_CASE("shield: one hop after a cancel from outside") {
    EventLog log;
    auto inner = create_task(work(log, "a", 4));
    auto waiter = create_task(await_shielded(log, inner));
    auto ticks = create_task(tick(log, 8));
    co_await sleep(0s);
    waiter.cancel();
    log("cancel");
    co_await waiter;
    log("done");
    co_await inner;
    log("inner");
    co_await ticks;
    CHECK(log.joined() == "a+ 1 cancel 2 cancelled 3 done 4 a- 5 inner 6 7 8");
}

ASYNC_TEST_CASE("shield: three hops after the inner task was cancelled") {
    EventLog log;
    auto inner = create_task(work(log, "a", 4));
    auto waiter = create_task(await_shielded(log, inner));
    auto ticks = create_task(tick(log, 8));
    co_await sleep(0s);
    inner.cancel();
    log("cancel");
    co_await waiter;
    log("done");
    co_await ticks;
    CHECK(log.joined() == "a+ 1 cancel 2 3 cancelled 4 done 5 6 7 8");
}

ASYNC_TEST_CASE("shield: of a gather whose child is cancelled throws, and is not cancelled") {
    Promise<int> child = get_running_loop().create_future<int>();
    auto outer = shield(gather(child.get_future()));
    child.get_future().cancel();
    const auto end = co_await told(joined(outer));
    CHECK(end == "CancelledError");
    CHECK_FALSE(outer.cancelled());
}

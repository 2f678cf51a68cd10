#include <ringio/tasks/gather.hpp>

#include "scenario.hpp"

#include <memory>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<> await_two(EventLog& log, Task<> first, Task<> second, bool keep) {
    try {
        if (keep) {
            co_await gather(return_exceptions, std::move(first), std::move(second));
        } else {
            co_await gather(std::move(first), std::move(second));
        }
    } catch (const CancelledError&) {
        log("cancelled");
    }
}

Task<> cancel_and_fail() {
    bool cancelled = false;
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        cancelled = true;
    }
    if (cancelled) {
        throw std::runtime_error("bad");
    }
}

}  // namespace

ASYNC_TEST_CASE("gather: results come in argument order", "[any_order]") {
    auto [a, b, c] = co_await gather(give_after(3s, 1), give_after(1s, 2), give_after(2s, 3));
    CHECK(a == 1);
    CHECK(b == 2);
    CHECK(c == 3);
}

ASYNC_TEST_CASE("gather: a void awaitable gives monostate, and types may differ") {
    EventLog log;
    auto [none, text, number] = co_await gather(sleep(1s), work(log, "a", 0), give(5));
    CHECK(none == std::monostate());
    CHECK(text == "a");
    CHECK(number == 5);
}

ASYNC_TEST_CASE("gather: of nothing is done at once", "[any_order]") {
    auto none = gather();
    CHECK(none.done());
    co_await none;
    std::vector<Task<int>> empty;
    auto range = gather(std::move(empty));
    CHECK(range.done());
    const std::vector<int> results = co_await range;
    CHECK(results.empty());
    auto kept = gather(return_exceptions, std::vector<TaskHandle<int>>());
    CHECK(kept.done());
}

ASYNC_TEST_CASE("gather: takes a range of tasks, of handles and of futures", "[any_order]") {
    std::vector<Task<int>> coroutines;
    coroutines.push_back(give_after(2s, 1));
    coroutines.push_back(give_after(1s, 2));
    const std::vector<int> first = co_await gather(std::move(coroutines));
    CHECK(first == std::vector{1, 2});
    std::vector<TaskHandle<int>> tasks{create_task(give(3)), create_task(give(4))};
    const std::vector<int> second = co_await gather(tasks);
    CHECK(second == std::vector{3, 4});
    Promise<int> promise = get_running_loop().create_future<int>();
    std::vector<Future<int>> futures{promise.get_future()};
    auto all = gather(futures);
    promise.set_result(9);
    const std::vector<int> third = co_await all;
    CHECK(third == std::vector{9});
}

ASYNC_TEST_CASE("gather: the children are scheduled at the call, in order") {
    EventLog log;
    auto all = gather(work(log, "a", 0), work(log, "b", 0));
    log("called");
    co_await sleep(0s);
    log("turn");
    co_await all;
    CHECK(log.joined() == "called a+ a- b+ b- turn");
}

ASYNC_TEST_CASE("gather: wakes the one who waits two hops after the last child") {
    EventLog log;
    auto ticks = create_task(tick(log, 8));
    co_await gather(work(log, "a", 1), work(log, "b", 2));
    log("got");
    co_await ticks;
    CHECK(log.joined() == "1 a+ b+ 2 a- 3 b- 4 5 got 6 7 8");
}

ASYNC_TEST_CASE("gather: the same hops for a plain future") {
    EventLog log;
    auto ticks = create_task(tick(log, 6));
    Promise<int> promise = get_running_loop().create_future<int>();
    auto all = gather(promise.get_future());
    promise.set_result(1);
    co_await all;
    log("got");
    co_await ticks;
    CHECK(log.joined() == "1 2 got 3 4 5 6");
}

ASYNC_TEST_CASE("gather: when all children are done before, so is the gather") {
    auto task = create_task(give(1));
    co_await task;
    Promise<int> failed = get_running_loop().create_future<int>();
    failed.set_exception(std::runtime_error("boom"));
    auto good = gather(task, task);
    CHECK(good.done());
    auto bad = gather(task, failed.get_future());
    CHECK(bad.done());
    const std::string end = co_await told(joined(bad));
    CHECK(end == "boom");
}

ASYNC_TEST_CASE("gather: the first error comes at once and the siblings go on") {
    EventLog log;
    auto ticks = create_task(tick(log, 8));
    try {
        co_await gather(failing(log, "a", 1, "x"), work(log, "b", 3));
    } catch (const std::runtime_error& error) {
        log("error:" + std::string(error.what()));
    }
    co_await ticks;
    CHECK(log.joined() == "1 a+ b+ 2 a- 3 4 error:x b- 5 6 7 8");
}

ASYNC_TEST_CASE("gather: a sibling is neither cancelled nor done when the error comes") {
    auto sibling = create_task(give_after(5s, 1));
    const auto end = co_await told(joined(gather(fail_after(1s, "bad"), sibling)));
    CHECK(end == "bad");
    CHECK_FALSE(sibling.done());
    const int later = co_await sibling;
    CHECK(later == 1);
}

ASYNC_TEST_CASE("gather: later errors of the siblings count as seen") {
    const Reports reports;
    {
        const auto end =
            co_await told(joined(gather(fail_after(1s, "first"), fail_after(2s, "second"))));
        CHECK(end == "first");
    }
    co_await sleep(10s);
    CHECK(reports.messages().empty());
}

ASYNC_TEST_CASE("gather: once it has failed it is done, and cancel() does nothing", "[any_order]") {
    auto sibling = create_task(give_after(5s, 1));
    auto all = gather(fail_after(1s, "bad"), sibling);
    co_await sleep(2s);
    CHECK(all.done());
    CHECK_FALSE(all.cancel());
    const int later = co_await sibling;
    CHECK(later == 1);
}

ASYNC_TEST_CASE("gather: return_exceptions gives each result as an outcome", "[any_order]") {
    auto [a, b, c] =
        co_await gather(return_exceptions, give_after(2s, 1), fail_after(1s, "bad"), give(3));
    CHECK(a.value() == 1);
    CHECK(name_of(b.exception()) == "bad");
    CHECK(c.value() == 3);
    std::vector<Task<int>> tasks;
    tasks.push_back(fail_after(1s, "bad"));
    tasks.push_back(give(2));
    auto results = co_await gather(return_exceptions, std::move(tasks));
    CHECK(name_of(results.at(0).exception()) == "bad");
    CHECK(results.at(1).value() == 2);
}

ASYNC_TEST_CASE("gather: return_exceptions takes a cancelled child as an outcome", "[any_order]") {
    auto child = create_task(give_after(5s, 1));
    auto all = gather(return_exceptions, child, give(2));
    co_await sleep(1s);
    child.cancel();
    auto [a, b] = co_await all;
    CHECK(name_of(a.exception()) == "CancelledError");
    CHECK(b.value() == 2);
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("gather: a cancelled child is an error, not a cancelled gather") {
    auto child = create_task(give_after(5s, 1));
    auto sibling = create_task(give_after(2s, 2));
    auto all = gather(child, sibling);
    co_await sleep(1s);
    child.cancel();
    const auto end = co_await told(joined(all));
    CHECK(end == "CancelledError");
    CHECK_FALSE(all.cancelled());
    CHECK_FALSE(sibling.cancelled());
    const int later = co_await sibling;
    CHECK(later == 2);
}

ASYNC_TEST_CASE("gather: the same awaitable twice is one child with two places", "[any_order]") {
    auto task = create_task(give_after(1s, 7));
    auto [a, b] = co_await gather(task, task);
    CHECK(a == 7);
    CHECK(b == 7);
}

ASYNC_TEST_CASE("gather: moves a value that cannot be copied", "[any_order]") {
    auto make = [](int value) -> Task<std::unique_ptr<int>> {
        co_return std::make_unique<int>(value);
    };
    auto [a, b] = co_await gather(make(1), make(2));
    CHECK(*a == 1);
    CHECK(*b == 2);
}

ASYNC_TEST_CASE("gather: cancelling it cancels the children and ends with an exception") {
    auto a = create_task(give_after(5s, 1));
    auto b = create_task(give_after(5s, 2));
    auto all = gather(a, b);
    co_await sleep(1s);
    CHECK(all.cancel());
    CHECK_FALSE(all.done());
    const auto end = co_await told(joined(all));
    CHECK(end == "CancelledError");
    CHECK(a.cancelled());
    CHECK(b.cancelled());
    CHECK_FALSE(all.cancelled());
}

ASYNC_TEST_CASE("gather: cancel() is refused when no child takes it", "[any_order]") {
    Promise<int> promise = get_running_loop().create_future<int>();
    auto all = gather(promise.get_future());
    promise.set_result(1);
    CHECK_FALSE(all.cancel());
    CHECK_FALSE(all.done());
    auto [value] = co_await all;
    CHECK(value == 1);
    CHECK_FALSE(all.cancel());
}

ASYNC_TEST_CASE("gather: cancelling the one who waits takes three hops") {
    EventLog log;
    auto waiter =
        create_task(await_two(log, joined(work(log, "a", 5)), joined(work(log, "b", 5)), false));
    auto ticks = create_task(tick(log, 8));
    co_await yield(2);
    waiter.cancel();
    log("cancel");
    co_await waiter;
    log("done");
    co_await ticks;
    CHECK(log.joined() == "1 a+ b+ 2 cancel 3 4 cancelled 5 done 6 7 8");
}

ASYNC_TEST_CASE("gather: when cancelled it does not wait for a child that cleans up for longer") {
    EventLog log;
    auto waiter =
        create_task(await_two(log, stubborn(log, "a", 0, 10), stubborn(log, "b", 3, 0), false));
    co_await yield(2);
    waiter.cancel();
    co_await waiter;
    log("done");
    co_await yield(7);
    CHECK(log.joined() ==
          "a cancelled a cleaned b cancelled 1 2 cancelled 3 done b cleaned 4 5 6 7 8 9 10");
}

ASYNC_TEST_CASE("gather: with return_exceptions it waits for every child that cleans up") {
    EventLog log;
    auto waiter =
        create_task(await_two(log, stubborn(log, "a", 0, 10), stubborn(log, "b", 3, 0), true));
    co_await yield(2);
    waiter.cancel();
    co_await waiter;
    log("done");
    co_await yield(5);
    CHECK(log.joined() ==
          "a cancelled a cleaned b cancelled 1 2 3 b cleaned 4 5 cancelled 6 done 7 8 9 10");
}

ASYNC_TEST_CASE("gather: an error of a child while all are cancelled counts as seen") {
    const Reports reports;
    {
        auto all = gather(return_exceptions, cancel_and_fail(), sleep(1h));
        co_await sleep(0s);
        all.cancel();
        const auto end = co_await told(joined(all));
        CHECK(end == "CancelledError");
        CHECK_FALSE(all.cancelled());
    }
    co_await sleep(0s);
    CHECK(reports.messages() == std::vector<std::string>{});
}

ASYNC_TEST_CASE("gather: cancelled while its last child finishes, the cancellation wins") {
    Promise<int> promise = get_running_loop().create_future<int>();
    auto waiter = create_task(told(joined(gather(promise.get_future()))));
    co_await sleep(0s);
    promise.set_result(1);
    co_await sleep(0s);  // the gather is done, its waiter not yet resumed
    waiter.cancel();
    const std::string end = co_await waiter;
    CHECK(end == "CancelledError");
}

ASYNC_TEST_CASE("gather: cancelled in the turn in which its only child finished, it goes on") {
    Promise<int> promise = get_running_loop().create_future<int>();
    auto waiter = create_task(joined(gather(promise.get_future())));
    co_await sleep(0s);
    promise.set_result(1);
    CHECK(waiter.cancel());
    const auto end = co_await told(waiter);
    CHECK(end == "CancelledError");
}

ASYNC_TEST_CASE("gather: of shielded tasks, and a shielded gather") {
    auto inner = create_task(give_after(2s, 1));
    auto all = gather(shield(inner));
    co_await sleep(1s);
    all.cancel();
    const auto end = co_await told(joined(all));
    CHECK(end == "CancelledError");
    CHECK_FALSE(inner.done());
    auto outer = shield(gather(inner));
    outer.cancel();
    const int value = co_await inner;
    CHECK(value == 1);
}

ASYNC_TEST_CASE("gather: refuses a future of another loop") {
    EventLoop other;
    Promise<int> foreign = other.create_future<int>();
    const std::string text = thrown_by([&] { gather(foreign.get_future()); });
    CHECK(text.find("different loop") != std::string::npos);
    foreign.set_result(1);
    co_return;
}

ASYNC_TEST_CASE("gather: dropped without being awaited, its children still run") {
    EventLog log;
    static_cast<void>(gather(work(log, "a", 1), work(log, "b", 1)));
    co_await yield(3);
    CHECK(log.joined() == "a+ b+ a- b-");
}

ASYNC_TEST_CASE("gather: dropped without being awaited, the errors of its children are reported") {
    const Reports reports;
    static_cast<void>(gather(fail_with("lost"), fail_with("lost too")));
    co_await yield(3);
    CHECK(reports.messages() == std::vector<std::string>(2, "Task exception was never retrieved"));
}

#include <ringio/tasks/wait.hpp>

#include "scenario.hpp"

#include <list>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

ASYNC_TEST_CASE("wait: parts the tasks into done and pending, in the order given", "[any_order]") {
    auto a = create_task(give_after(3s, 1));
    auto b = create_task(give_after(1s, 2));
    auto c = create_task(give_after(9s, 3));
    auto [done, pending] = co_await wait(list_of(a, b, c), {.timeout = 5s});
    CHECK(done == std::vector{a, b});
    CHECK(pending == std::vector{c});
    CHECK(get_running_loop().time().time_since_epoch() == 5s);
    CHECK_FALSE(c.cancelled());
    CHECK(c.cancelling() == 0);
    const int value = co_await c;
    CHECK(value == 3);
}

ASYNC_TEST_CASE("wait: without a timeout it waits for all", "[any_order]") {
    auto a = create_task(give_after(3s, 1));
    auto b = create_task(give_after(1s, 2));
    auto [done, pending] = co_await wait(list_of(a, b));
    CHECK(done == std::vector{a, b});
    CHECK(pending.empty());
    CHECK(get_running_loop().time().time_since_epoch() == 3s);
}

ASYNC_TEST_CASE("wait: first_completed comes back with those done by then", "[any_order]") {
    auto a = create_task(give_after(3s, 1));
    auto b = create_task(give_after(1s, 2));
    auto [done, pending] =
        co_await wait(list_of(a, b), {.return_when = ReturnWhen::first_completed});
    CHECK(done == std::vector{b});
    CHECK(pending == std::vector{a});
    const int value = co_await a;
    CHECK(value == 1);
}

ASYNC_TEST_CASE("wait: counts as done what finished before it was resumed", "[any_order]") {
    auto a = create_task(give(1));
    auto b = create_task(give(2));
    auto [done, pending] =
        co_await wait(list_of(a, b), {.return_when = ReturnWhen::first_completed});
    CHECK(done == std::vector{a, b});
    CHECK(pending.empty());
}

ASYNC_TEST_CASE("wait: first_exception comes back at the first error, and throws nothing",
                "[any_order]") {
    auto a = create_task(give_after(1s, 1));
    auto b = create_task(fail_after(2s, "bad"));
    auto c = create_task(give_after(3s, 3));
    auto [done, pending] =
        co_await wait(list_of(a, b, c), {.return_when = ReturnWhen::first_exception});
    CHECK(done == std::vector{a, b});
    CHECK(pending == std::vector{c});
    CHECK(name_of(b.exception()) == "bad");
    co_await c;
}

ASYNC_TEST_CASE("wait: first_exception takes no notice of a cancelled task", "[any_order]") {
    auto a = create_task(give_after(5s, 1));
    auto b = create_task(give_after(2s, 2));
    a.cancel();
    auto [done, pending] =
        co_await wait(list_of(a, b), {.return_when = ReturnWhen::first_exception});
    CHECK(done.size() == 2);
    CHECK(a.cancelled());
    CHECK(get_running_loop().time().time_since_epoch() == 2s);
}

ASYNC_TEST_CASE("wait: an error in all_completed mode does not end the wait", "[any_order]") {
    auto a = create_task(fail_after(1s, "bad"));
    auto b = create_task(give_after(3s, 2));
    auto [done, pending] = co_await wait(list_of(a, b));
    CHECK(done.size() == 2);
    CHECK(name_of(a.exception()) == "bad");
}

ASYNC_TEST_CASE("wait: a future that is given twice counts once", "[any_order]") {
    auto a = create_task(give_after(1s, 1));
    auto [done, pending] = co_await wait(list_of(a, a, a));
    CHECK(done == std::vector{a});
    CHECK(pending.empty());
}

ASYNC_TEST_CASE("wait: refuses an empty range") {
    const auto end = co_await told(joined(wait(std::vector<AnyFuture>{})));
    CHECK(end == "Set of Tasks/Futures is empty.");
}

ASYNC_TEST_CASE("wait: takes futures of different types as AnyFuture, in any range",
                "[any_order]") {
    Promise<int> number = get_running_loop().create_future<int>();
    Promise<> nothing = get_running_loop().create_future<void>();
    std::list<AnyFuture> futures{number.get_future(), nothing.get_future()};
    number.set_result(1);
    auto [done, pending] = co_await wait(futures, {.timeout = 1s});
    CHECK(done.size() == 1);
    CHECK(done.front() == number.get_future());
    CHECK(pending.size() == 1);
}

ASYNC_TEST_CASE("wait: takes a braced list", "[any_order]") {
    auto a = create_task(give(1));
    auto both = wait({a, a});  // GCC 12: not inside the co_await
    auto [done, pending] = co_await std::move(both);
    CHECK(done == std::vector{a});
}

ASYNC_TEST_CASE("wait: a zero or negative timeout looks once", "[any_order]") {
    Promise<> never = get_running_loop().create_future<void>();
    auto first = co_await wait(list_of(never.get_future()), {.timeout = 0s});
    CHECK(first.pending.size() == 1);
    auto second = co_await wait(list_of(never.get_future()), {.timeout = -1s});
    CHECK(second.pending.size() == 1);
}

ASYNC_TEST_CASE("wait: leaves no timer behind when it ends before the timeout", "[any_order]") {
    auto a = create_task(give_after(1s, 1));
    co_await wait(list_of(a), {.timeout = 1h});
    CHECK(get_running_loop().statistics().timers == 0);
}

ASYNC_TEST_CASE("wait: two hops after the last one") {
    EventLog log;
    auto ticks = create_task(tick(log, 8));
    auto a = create_task(work(log, "a", 1));
    auto b = create_task(work(log, "b", 2));
    co_await wait(list_of(a, b));
    log("waited");
    co_await ticks;
    CHECK(log.joined() == "1 a+ b+ 2 a- 3 b- 4 5 waited 6 7 8");
}

ASYNC_TEST_CASE("wait: first_completed, two hops after the first one") {
    EventLog log;
    auto ticks = create_task(tick(log, 8));
    auto b = create_task(work(log, "b", 3));
    auto a = create_task(work(log, "a", 1));
    co_await wait(list_of(a, b), {.return_when = ReturnWhen::first_completed});
    log("waited");
    co_await b;
    co_await ticks;
    CHECK(log.joined() == "1 b+ a+ 2 a- 3 4 b- waited 5 6 7 8");
}

ASYNC_TEST_CASE("wait: takes two hops even when all are done, and with a timeout of zero") {
    EventLog log;
    Promise<int> promise = get_running_loop().create_future<int>();
    promise.set_result(1);
    auto ticks = create_task(tick(log, 6));
    co_await wait(list_of(promise.get_future()));
    log("waited");
    co_await ticks;
    CHECK(log.joined() == "1 2 waited 3 4 5 6");

    log.clear();
    Promise<int> never = get_running_loop().create_future<int>();
    ticks = create_task(tick(log, 6));
    co_await wait(list_of(never.get_future()), {.timeout = 0s});
    log("waited");
    co_await ticks;
    CHECK(log.joined() == "1 2 waited 3 4 5 6");
}

ASYNC_TEST_CASE("wait: cancelling it leaves the futures alone") {
    EventLog log;
    Promise<> promise = get_running_loop().create_future<void>();
    auto waiting = [](EventLog& into, Future<> future) -> Task<> {
        try {
            co_await wait(list_of(future));
        } catch (const CancelledError&) {
            into("cancelled");
        }
    };
    auto waiter = create_task(waiting(log, promise.get_future()));
    auto ticks = create_task(tick(log, 6));
    co_await sleep(0s);
    waiter.cancel();
    log("cancel");
    co_await waiter;
    log("done");
    co_await ticks;
    CHECK(log.joined() == "1 cancel 2 cancelled 3 done 4 5 6");
    CHECK_FALSE(promise.done());
    promise.set_result();
    co_await sleep(0s);
}

ASYNC_TEST_CASE("wait: cancelled in the turn in which its future is done, the cancellation wins") {
    Promise<> promise = get_running_loop().create_future<void>();
    auto waiter = create_task(told(joined(wait(list_of(promise.get_future())))));
    co_await sleep(0s);
    waiter.cancel();
    promise.set_result();
    const std::string first = co_await waiter;
    CHECK(first == "CancelledError");

    Promise<> other = get_running_loop().create_future<void>();
    auto second = create_task(told(joined(wait(list_of(other.get_future())))));
    co_await sleep(0s);
    other.set_result();
    second.cancel();
    second.cancel();
    const std::string end = co_await second;
    CHECK(end == "CancelledError");
    CHECK(second.cancelling() == 2);
}

ASYNC_TEST_CASE("wait: a future that is done while the wait is on its way out does no harm") {
    // Its callback is queued behind the step in which wait() returns and its frame goes.
    EventLoop& loop = get_running_loop();
    Promise<> first = loop.create_future<void>();
    Promise<> second = loop.create_future<void>();
    auto waiter = create_task(joined(wait(list_of(first.get_future(), second.get_future()),
                                          {.return_when = ReturnWhen::first_completed})));
    co_await sleep(0s);
    first.set_result();
    loop.call_soon([second]() mutable { second.set_result(); });
    co_await waiter;
    co_await yield(3);
}

ASYNC_TEST_CASE("wait: a future that is done after the wait was cancelled does no harm") {
    EventLoop& loop = get_running_loop();
    Promise<> promise = loop.create_future<void>();
    auto waiter = create_task(told(joined(wait(list_of(promise.get_future())))));
    co_await sleep(0s);
    waiter.cancel();
    promise.set_result();  // queued behind the waiter's last step
    const std::string end = co_await waiter;
    CHECK(end == "CancelledError");
    co_await yield(3);
}

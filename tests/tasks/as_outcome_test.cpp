#include <ringio/tasks/as_outcome.hpp>

#include <support/ends.hpp>

#include "scenario.hpp"

#include <memory>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

ASYNC_TEST_CASE("as_outcome: gives the value of a coroutine, a task, a future and a sleep",
                "[any_order]") {
    const auto coroutine = co_await as_outcome(give_after(1s, 1));
    CHECK(coroutine.value() == 1);
    auto running = create_task(give_after(1s, 2));
    const auto task = co_await as_outcome(running);
    CHECK(task.value() == 2);
    Promise<int> promise = get_running_loop().create_future<int>();
    promise.set_result(3);
    const auto future = co_await as_outcome(promise.get_future());
    CHECK(future.value() == 3);
    const auto slept = co_await as_outcome(sleep(1s, 4));
    CHECK(slept.value() == 4);
    const auto nothing = co_await as_outcome(sleep(1s));
    CHECK(nothing.has_value());
}

ASYNC_TEST_CASE("as_outcome: gives the exception, and that counts as seen", "[any_order]") {
    const Reports reports;
    {
        const auto coroutine = co_await as_outcome(fail_after(1s, "bad"));
        CHECK_FALSE(coroutine.has_value());
        CHECK(name_of(coroutine.exception()) == "bad");
        auto running = create_task(fail_after(1s, "worse"));
        const auto task = co_await as_outcome(running);
        CHECK(name_of(task.exception()) == "worse");
        const auto moved = co_await as_outcome(create_task(fail_with("worst")));
        CHECK(name_of(moved.exception()) == "worst");
        const auto nothing = co_await as_outcome(wait(std::vector<AnyFuture>()));
        CHECK_FALSE(nothing.has_value());
    }
    CHECK(reports.messages().empty());
}

ASYNC_TEST_CASE("as_outcome: works around combinators", "[any_order]") {
    const auto timed = co_await as_outcome(wait_for(sleep(1h), 1s));
    CHECK(name_of(timed.exception()) == "TimeoutError");
    const auto gathered = co_await as_outcome(gather(give(1), fail_with("bad")));
    CHECK(name_of(gathered.exception()) == "bad");
    auto steps = as_completed(list_of(create_task(fail_with("bad"))));
    const auto next = co_await as_outcome(*steps.begin());
    CHECK(name_of(next.exception()) == "bad");
}

ASYNC_TEST_CASE("as_outcome: that something else was cancelled is an outcome") {
    auto task = create_task(sleep(1h));
    task.cancel();
    const auto cancelled = co_await as_outcome(task);
    CHECK(name_of(cancelled.exception()) == "CancelledError");
    Promise<int> promise = get_running_loop().create_future<int>();
    promise.get_future().cancel();
    const auto future = co_await as_outcome(promise.get_future());
    CHECK(name_of(future.exception()) == "CancelledError");
    const auto nested = co_await as_outcome(joined(promise.get_future()));
    CHECK(name_of(nested.exception()) == "CancelledError");
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("as_outcome: what may not be awaited at all is thrown") {
    AnyTask self = current_task();
    const std::string text = co_await text_of<std::runtime_error>(as_outcome(self));
    CHECK(text.starts_with("Task cannot await on itself: <Task pending"));
    Task<> used = yield(0);
    co_await used;
    CHECK_AWAIT(text_of<std::runtime_error>(as_outcome(used)),
                "cannot reuse already awaited coroutine");
}

ASYNC_TEST_CASE("as_outcome: a request to cancel the waiting task goes on as CancelledError") {
    EventLog log;
    auto over_sleep = [](EventLog& into) -> Task<> {
        static_cast<void>(co_await as_outcome(sleep(1h)));
        into("not reached");
    };
    auto over_future = [](EventLog& into, Future<> future) -> Task<> {
        static_cast<void>(co_await as_outcome(future));
        into("not reached");
    };
    auto over_coroutine = [](EventLog& into) -> Task<> {
        static_cast<void>(co_await as_outcome(give_after(1h, 1)));
        into("not reached");
    };
    Promise<> promise = get_running_loop().create_future<void>();
    std::vector<TaskHandle<>> tasks{create_task(over_sleep(log)),
                                    create_task(over_future(log, promise.get_future())),
                                    create_task(over_coroutine(log))};
    co_await sleep(1s);
    for (auto& task : tasks) {
        task.cancel();
        const auto end = co_await told(task);
        CHECK(end == "CancelledError");
        CHECK(task.cancelled());
    }
    CHECK(log.joined() == "");
}

ASYNC_TEST_CASE("as_outcome: a result and a cancel in the same turn, the cancellation wins",
                "[any_order]") {
    Promise<int> promise = get_running_loop().create_future<int>();
    auto waiting = [](Future<int> future) -> Task<int> {
        const auto outcome = co_await as_outcome(future);
        co_return outcome.value();
    };
    auto task = create_task(waiting(promise.get_future()));
    co_await sleep(0s);
    promise.set_result(1);
    task.cancel();
    const auto end = co_await told(task);
    CHECK(end == "CancelledError");
}

ASYNC_TEST_CASE("as_outcome: costs no hop, and moves what cannot be copied") {
    EventLog log;
    auto ticks = create_task(tick(log, 2));
    auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(5); };
    auto outcome = co_await as_outcome(make());
    log("got");
    co_await ticks;
    CHECK(**outcome == 5);
    CHECK(log.joined() == "got 1 2");
}

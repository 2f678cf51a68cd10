// What when_all() and when_any() share: who waits, who asked, how it looks from outside.
#include <ringio/tasks/siblings.hpp>

#include "scenario.hpp"

#include <ringio/core/task_tree.hpp>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

/// Sleeps, and keeps whose doing its end was.
Task<int> keep_source(CancelSource& source) {
    try {
        co_await sleep(1h);
    } catch (const CancelledError& error) {
        source = error.source();
        throw;
    }
    co_return 0;
}

}  // namespace

ASYNC_TEST_CASE("siblings: are told who failed, who was first, or who cancelled the task") {
    CancelSource source;
    auto fails = create_task(fail_after(1ms, "boom"), {.name = "culprit"});
    const std::string end = co_await told(joined(when_all(fails, keep_source(source))));
    CHECK(end == "boom");
    CHECK(source.text() == "cancelled by when_all(), for Task 'culprit' failed");

    auto first = create_task(give_after(1ms, 1), {.name = "quick"});
    static_cast<void>(co_await when_any(keep_source(source), first));
    CHECK(source.text() == "cancelled by when_any(), for Task 'quick' was first");

    auto both = create_task(joined(when_all(keep_source(source), sleep(1h))));
    co_await yield(2);
    both.cancel();
    static_cast<void>(co_await told(both));
    CHECK(source.cause() == CancelCause::call);

    static_cast<void>(co_await told(wait_for(joined(when_all(keep_source(source))), 1s)));
    CHECK(source.cause() == CancelCause::deadline);
}

ASYNC_TEST_CASE("siblings: stand below the task that waits for them") {
    auto both = create_task(joined(when_all(sleep(1h), sleep(2h))), {.name = "parent"});
    co_await yield(2);
    const std::string tree = detail::format_task_tree(get_running_loop());
    CHECK_THAT(tree, Contains("* Task 'parent' waits in when_all()\n"));
    CHECK_THAT(tree, Contains("\n    * Task 'Task-"));
    CHECK_THAT(both.shared_state()->repr(), Contains("wait_for=<when_all()>"));
    both.cancel();
    static_cast<void>(co_await told(both));
}

ASYNC_TEST_CASE("siblings: a statement that is not awaited starts nothing, and can be closed") {
    EventLog log;
    Reports reports;
    {
        auto both = when_all(work(log, "a", 1), when_any(as_outcome(work(log, "b", 1)), give(1)));
        both.close();
    }
    CHECK(reports.messages().empty());
    {
        static_cast<void>(when_all(give(1)));
    }
    CHECK(reports.messages() == std::vector<std::string>{"coroutine 'give' was never awaited"});
    co_await yield(2);
    CHECK(log.events().empty());
}

ASYNC_TEST_CASE("siblings: a statement is awaited once") {
    auto both = when_all(give(1), give(2));
    static_cast<void>(co_await std::move(both));
    const std::string end = co_await told(joined(std::move(both)));
    CHECK_THAT(end, Contains("coroutine"));
}

ASYNC_TEST_CASE("siblings: run as a task, in a gather, with a limit, as an outcome") {
    auto task = create_task(when_all(give(1), give(2)));
    const std::tuple<int, int> both = co_await task;
    CHECK(both == std::tuple(1, 2));
    auto [nested, one] = co_await gather(when_any(give(3), sleep(1h, 4)), give(5));
    CHECK(nested.value == 3);
    CHECK(one == 5);
    auto limited = co_await wait_for(when_all(give(6)), 1s);
    CHECK(std::get<0>(limited) == 6);
    auto outcome = co_await as_outcome(when_all(give(7), fail_with("boom")));
    REQUIRE_FALSE(outcome.has_value());
    CHECK(name_of(outcome.exception()) == "boom");
    auto good = co_await as_outcome(when_any(give(8), sleep(1h, 9)));
    CHECK(good.value().value == 8);
}

ASYNC_TEST_CASE("siblings: a cancellation of the task is no outcome") {
    EventLog log;
    auto waits = [&log]() -> Task<> {
        auto outcome = co_await as_outcome(when_all(sleep(1h), sleep(2h)));
        log("not reached");
    };
    auto task = create_task(waits());
    co_await yield(2);
    task.cancel();
    const std::string end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK(log.events().empty());
}

ASYNC_TEST_CASE("siblings: many are ended in time in proportion") {
    std::vector<Task<int>> many;
    for (int index = 0; index < 10'000; ++index) {
        many.push_back(give_after(1h, index));
    }
    many.push_back(give_after(1ms, -1));
    const auto result = co_await when_any(std::move(many));
    CHECK(result.index == 10'000);
    CHECK(result.value == -1);
}

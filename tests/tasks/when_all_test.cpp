#include <ringio/tasks/when_all.hpp>

#include "when_children.hpp"

#include <ringio/sync.hpp>

#include <array>
#include <memory>
#include <ranges>
#include <span>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

Task<int> cancels_itself() {
    co_await sleep(1ms);
    throw CancelledError("of its own");
    co_return 0;
}

}  // namespace

ASYNC_TEST_CASE("when_all: results come in argument order, whatever order they end in") {
    auto [first, second, third] =
        co_await when_all(give_after(3ms, 1), give_after(1ms, 2), sleep(2ms));
    static_assert(std::is_same_v<decltype(third), std::monostate>);
    CHECK(first == 1);
    CHECK(second == 2);
}

ASYNC_TEST_CASE("when_all: results that cannot be copied are moved out") {
    auto [first, second] =
        co_await when_all(pointer_after(1ms, 1), create_task(pointer_after(1ms, 2)));
    CHECK(*first == 1);
    CHECK(*second == 2);
}

ASYNC_TEST_CASE("when_all: takes whatever can be awaited") {
    Event event;
    get_running_loop().call_later(1ms, [&event] { event.set(); });
    const auto task = create_task(give_after(2ms, 7));
    auto [waited, value, both, outcome] = co_await when_all(
        event.wait(), task, when_all(give(1), give(2)), as_outcome(fail_with("expected")));
    static_assert(std::is_same_v<decltype(both), std::tuple<int, int>>);
    CHECK(value == 7);
    CHECK(task.result() == 7);
    CHECK(both == std::tuple(1, 2));
    CHECK_FALSE(outcome.has_value());
}

ASYNC_TEST_CASE("when_all: of nothing is done at once") {
    static_cast<void>(co_await when_all());
    std::vector<Task<int>> none;
    const auto results = co_await when_all(none);
    CHECK(results.empty());
}

ASYNC_TEST_CASE("when_all: a range gives a vector; tasks are taken out of it") {
    std::vector<Task<int>> tasks;
    for (int value = 0; value < 5; ++value) {
        tasks.push_back(give_after(std::chrono::milliseconds(5 - value), value));
    }
    const std::vector<int> results = co_await when_all(tasks);
    CHECK(results == std::vector{0, 1, 2, 3, 4});

    std::vector<TaskHandle<>> handles = {create_task(yield(2)), create_task(yield(1))};
    const std::vector<std::monostate> units = co_await when_all(handles);
    CHECK(units.size() == 2);
    CHECK(handles[0].done());

    auto doubled =
        std::views::iota(0, 3) | std::views::transform([](int n) { return give(2 * n); });
    const std::vector<int> even = co_await when_all(doubled);
    CHECK(even == std::vector{0, 2, 4});
}

ASYNC_TEST_CASE("when_all: a vector that is given away gives results that cannot be copied") {
    std::vector<TaskHandle<std::unique_ptr<int>>> handles = {create_task(pointer_after(1ms, 1))};
    const auto results = co_await when_all(std::move(handles));
    CHECK(*results[0] == 1);
}

ASYNC_TEST_CASE("when_all: coroutines start when it is awaited, in the order given") {
    EventLog log;
    auto both = when_all(work(log, "a", 1), work(log, "b", 2));
    co_await yield(2);
    CHECK(log.events().empty());
    static_cast<void>(co_await std::move(both));
    CHECK(log.joined(", ") == "a+, b+, a-, b-");
}

ASYNC_TEST_CASE("when_all: the first error cancels the others, waits for them, and is thrown") {
    EventLog log;
    std::string local = "alive";
    auto careful = [&log, &local]() -> Task<> {
        co_await stubborn(log, local, 2, 0);
        log("not reached");
    };
    try {
        static_cast<void>(co_await when_all(careful(), fail_after(1ms, "boom"), sleep(1h)));
    } catch (const std::runtime_error& error) {
        log(error.what());
    }
    CHECK(log.joined(", ") == "alive cancelled, alive cleaned, boom");
}

ASYNC_TEST_CASE("when_all: the others hear of an error in the very step in which it happens") {
    EventLog log;
    Event both;
    auto fails = [&]() -> Task<> {
        co_await both.wait();
        log("fails");
        throw std::runtime_error("boom");
    };
    auto next = [&]() -> Task<> {
        co_await both.wait();  // woken in the same turn, and cancelled before it resumes
        log("not reached");
    };
    get_running_loop().call_later(1ms, [&both] { both.set(); });
    const std::string end = co_await told(joined(when_all(fails(), next())));
    CHECK(end == "boom");
    CHECK(log.joined(", ") == "fails");
}

ASYNC_TEST_CASE("when_all: a coroutine that has not begun when another fails never begins") {
    EventLog log;
    Promise<int> failed = get_running_loop().create_future<int>();
    failed.set_exception(std::make_exception_ptr(std::runtime_error("failed before")));
    const std::string end =
        co_await told(joined(when_all(failed.get_future(), work(log, "never", 1))));
    CHECK(end == "failed before");
    CHECK(log.events().empty());
}

ASYNC_TEST_CASE("when_all: of several errors the first is thrown, the others are in one report") {
    std::vector<std::string> reports;
    get_running_loop().set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
        reports.push_back(context.message + ": " + name_of(context.exception) + ", " +
                          std::to_string(context.details.size()));
    });
    const std::string end = co_await told(joined(
        when_all(fails_in_cleanup("second"), fail_after(1ms, "first"), fails_in_cleanup("third"))));
    CHECK(end == "first");
    CHECK(reports ==
          std::vector<std::string>{"when_all(): errors besides the one that it throws: second, 2"});
}

ASYNC_TEST_CASE("when_all: for each outcome by itself, the children give outcomes") {
    auto [good, bad] =
        co_await when_all(as_outcome(give_after(2ms, 1)), as_outcome(fail_after(1ms, "boom")));
    CHECK(good.value() == 1);
    CHECK(name_of(bad.exception()) == "boom");
}

ASYNC_TEST_CASE("when_all: a child that somebody else cancelled counts as failed") {
    EventLog log;
    auto task = create_task(logs_cancel(log, "task", 1h, 1));
    get_running_loop().call_later(1ms, [&task] { task.cancel("enough"); });
    try {
        static_cast<void>(co_await when_all(task, logs_cancel(log, "other", 1h, 2)));
    } catch (const CancelledError& error) {
        log(error.message());
    }
    CHECK(log.joined(", ") == "task cancelled, other cancelled, enough");
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("when_all: an error goes before the cancellation of a child") {
    const std::string end =
        co_await told(joined(when_all(cancels_itself(), fails_in_cleanup("in the cleanup"))));
    CHECK(end == "in the cleanup");
}

ASYNC_TEST_CASE("when_all: cancelling the task cancels all children and waits for them") {
    EventLog log;
    auto run_both = [&log]() -> Task<> {
        try {
            co_await when_all(stubborn(log, "a", 1, 0), stubborn(log, "b", 3, 0));
        } catch (const CancelledError& error) {
            log("cancelled: " + error.message());
            throw;
        }
    };
    auto task = create_task(run_both());
    co_await sleep(1ms);
    task.cancel("why");
    const std::string end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK(log.joined(", ") == "a cancelled, b cancelled, a cleaned, b cleaned, cancelled: why");
}

ASYNC_TEST_CASE("when_all: each further request goes on to the children") {
    EventLog log;
    auto run_both = [&log]() -> Task<> {
        co_await when_all(stubborn(log, "a", 9, 0), logs_cancel(log, "b", 1h, 1));
    };
    auto task = create_task(run_both());
    co_await sleep(1ms);
    task.cancel();
    co_await yield(2);
    task.cancel();
    const std::string end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK(log.joined(", ") == "a cancelled, b cancelled");
}

ASYNC_TEST_CASE("when_all: results that come in spite of a cancel are given, it strikes later") {
    EventLog log;
    auto run_both = [&log]() -> Task<> {
        auto [a, b] = co_await when_all(ends_with_value(1), ends_with_value(2));
        log(std::to_string(a + b));
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            log("cancelled at the next wait");
            throw;
        }
    };
    auto task = create_task(run_both());
    co_await yield(2);
    task.cancel();
    const std::string end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK(log.joined(", ") == "3, cancelled at the next wait");
}

ASYNC_TEST_CASE(
    "when_all: an error in a cleanup goes before the cancellation, which strikes later") {
    EventLog log;
    auto run_both = [&log]() -> Task<> {
        try {
            co_await when_all(fails_in_cleanup("cleanup"), sleep(1h));
        } catch (const std::runtime_error& error) {
            log(error.what());
        }
        co_await sleep(1h);
    };
    auto task = create_task(run_both());
    co_await yield(2);
    task.cancel();
    const std::string end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK(log.joined(", ") == "cleanup");
}

ASYNC_TEST_CASE("when_all: a task that is to be cancelled when it begins to wait starts nothing") {
    EventLog log;
    auto cancelled_before = [&log]() -> Task<> {
        current_task().cancel();
        co_await when_all(work(log, "a", 1), work(log, "b", 1));
    };
    const std::string end = co_await told(create_task(cancelled_before()));
    CHECK(end == "CancelledError");
    CHECK(log.events().empty());
}

ASYNC_TEST_CASE("when_all: within a timeout, the deadline ends all of them") {
    EventLog log;
    const auto start = get_running_loop().time();
    const std::string end = co_await told(
        wait_for(joined(when_all(logs_cancel(log, "a", 1h, 1), logs_cancel(log, "b", 2h, 2))), 1s));
    CHECK(end == "TimeoutError");
    CHECK(get_running_loop().time() - start == 1s);
    CHECK(log.joined(", ") == "a cancelled, b cancelled");
}

ASYNC_TEST_CASE(
    "when_all: one that is given a future of another loop starts, and leaves, nothing") {
    EventLoop other;
    const Future<int> foreign = other.create_future<int>().get_future();
    EventLog log;
    const std::string end = co_await told(joined(when_all(work(log, "a", 1), foreign)));
    CHECK_THAT(end, Contains("when_all(): a future belongs to a different loop"));
    CHECK(log.events().empty());
    const std::string empty = co_await told(joined(when_all(Future<int>(), give(1))));
    CHECK(empty == "when_all(): a handle refers to no future");
}

ASYNC_TEST_CASE("when_all: a task that waits for itself is refused") {
    TaskHandle<> self;
    auto wait_for_itself = [&self]() -> Task<> { co_await when_all(self, sleep(1h)); };
    self = create_task(wait_for_itself());
    const std::string end = co_await told(self);
    CHECK_THAT(end, Contains("Task cannot await on itself"));
}

ASYNC_TEST_CASE("when_all: tasks that wait for each other in a circle can be cancelled") {
    TaskHandle<> parent;
    auto child = [&parent]() -> Task<> { co_await parent; };
    auto wait_for_child = [&child]() -> Task<> { co_await when_all(child(), sleep(1h)); };
    parent = create_task(wait_for_child());
    co_await yield(3);
    parent.cancel();
    const std::string end = co_await told(parent);
    CHECK(end == "CancelledError");
}

ASYNC_TEST_CASE("when_all: the same future may be given twice") {
    const auto task = create_task(give_after(1ms, 3));
    auto [a, b] = co_await when_all(task, task);
    CHECK(a + b == 6);
}

ASYNC_TEST_CASE("when_all: tasks that start eagerly may end, and fail, before it waits") {
    get_running_loop().set_task_factory(eager_task_factory);
    EventLog log;
    auto [a, b] = co_await when_all(give(1), give(2));
    CHECK(a + b == 3);
    const std::string end = co_await told(joined(
        when_all(logs_cancel(log, "begun", 1h, 1), fail_with("at once"), work(log, "not", 1))));
    CHECK(end == "at once");
    CHECK(log.joined(", ") == "begun cancelled");
    get_running_loop().set_task_factory({});
}

ASYNC_TEST_CASE("when_all: a factory that throws ends the children that were started") {
    EventLog log;
    int made = 0;
    get_running_loop().set_task_factory([&made](EventLoop&, const AnyTask&, TaskOptions&) {
        if (++made == 3) {
            throw std::runtime_error("no more tasks");
        }
    });
    const std::string end = co_await told(joined(
        when_all(logs_cancel(log, "a", 1h, 1), give(1), give(2), work(log, "unstarted", 1))));
    get_running_loop().set_task_factory({});
    CHECK(end == "no more tasks");
    CHECK(log.events().empty());
}

TEST_CASE("when_all: a Ctrl-C in a child goes before an error, and out of run()") {
    auto interrupted = []() -> Task<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            throw KeyboardInterrupt();
        }
    };
    auto both = [&interrupted]() -> Task<> {
        get_running_loop().set_exception_handler([](EventLoop&, const ExceptionContext&) {});
        co_await when_all(interrupted(), joined(fail_after(1ms, "boom")));
    };
    CHECK_THROWS_AS(testing::run_virtual(both()), KeyboardInterrupt);
}

TEST_CASE("when_all: outside a task it is refused") {
    EventLoop loop;
    CHECK_THROWS_WITH(loop.run_until_complete(when_all(give(1), fail_with("x"))), "x");
}

TEST_CASE("when_all: a loop that is closed over it reports the task that the user made, only") {
    std::vector<std::string> reports;
    {
        EventLoop loop;
        loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
            reports.push_back(context.message);
        });
        auto both = []() -> Task<> { co_await when_all(sleep(1h), sleep(2h)); };
        loop.create_task(both());
        loop.call_later(1ms, [&loop] { loop.stop(); });
        loop.run_forever();
    }
    CHECK(reports == std::vector<std::string>{"Task was destroyed but it is pending!"});
}

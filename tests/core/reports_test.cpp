// Three reports that must not be taken for one another, each with the place where it began: never
// awaited, never retrieved, destroyed while pending. And what debug mode says of slow steps.
#include "watching.hpp"

#include <support/async_test_case.hpp>

#include <set>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using testing::EventLog;

namespace {

Task<> nothing() { co_return; }

std::string detail_of(const ExceptionContext& context, const std::string& wanted) {
    for (const auto& [key, value] : context.details) {
        if (key == wanted) {
            return value;
        }
    }
    return "";
}

}  // namespace

ASYNC_TEST_CASE("reports: a coroutine that is dropped without a run was never awaited") {
    Reports reports(get_running_loop());
    static_cast<void>(nothing());
    CHECK(
        reports.only().starts_with("coroutine 'nothing' was never awaited | coroutine: "
                                   "nothing() defined at reports_test.cpp:"));
    co_return;
}

ASYNC_TEST_CASE("reports: an awaited, a scheduled, a closed and a moved coroutine are no report") {
    Reports reports(get_running_loop());
    co_await nothing();
    TaskHandle<> task = create_task(nothing());
    co_await task;
    Task<> closed = nothing();
    closed.close();
    Task<> from = nothing();
    Task<> to = std::move(from);
    co_await to;
    CHECK(reports.seen.empty());
}

ASYNC_TEST_CASE("reports: a group that refuses a coroutine closes it") {
    Reports reports(get_running_loop());
    TaskGroup group;
    CHECK_THROWS_AS(group.create_task(nothing()), std::runtime_error);
    CHECK(reports.seen.empty());
    co_return;
}

TEST_CASE("reports: a task that the loop destroys says so, with the place of its creation") {
    EventLoop loop;
    Reports reports(loop);
    loop.create_task(nothing(), {.name = "left"});
    loop.close();
    REQUIRE(reports.seen.size() == 1);
    CHECK(reports.seen[0].message == "Task was destroyed but it is pending!");
    CHECK(detail_of(reports.seen[0], "task").find("name='left'") != std::string::npos);
    CHECK(detail_of(reports.seen[0], "created by").find(" at reports_test.cpp:") !=
          std::string::npos);
}

ASYNC_TEST_CASE("reports: a future that nobody looked at says where it was created") {
    Reports reports(get_running_loop());
    {
        Promise<int> promise = get_running_loop().create_future<int>();
        promise.set_exception(std::runtime_error("boom"));
    }
    REQUIRE(reports.seen.size() == 1);
    CHECK(reports.seen[0].message == "Future exception was never retrieved");
    CHECK(detail_of(reports.seen[0], "created by").find(" at reports_test.cpp:") !=
          std::string::npos);
    co_return;
}

TEST_CASE("reports: debug mode tells of steps that took too long, by name") {
    EventLoop loop({.debug = true});
    Reports reports(loop);
    static_cast<void>(loop.kernel_name());
    reports.seen.clear();                 // where io_uring is refused the loop has said so
    loop.set_slow_callback_duration(0s);  // every step is too slow
    CHECK(loop.slow_callback_duration() == 0s);
    loop.call_soon([&loop] { loop.stop(); });
    loop.run_forever();
    REQUIRE_FALSE(reports.seen.empty());
    CHECK(reports.seen[0].message.starts_with("Executing <Handle "));
    CHECK(reports.seen[0].message.find(" at reports_test.cpp:") != std::string::npos);
    CHECK(reports.seen[0].message.ends_with(" seconds"));
    reports.seen.clear();
    loop.run_until_complete(loop.create_task(nothing(), {.name = "slow"}));
    REQUIRE_FALSE(reports.seen.empty());
    CHECK(reports.seen[0].message.starts_with("Executing <Task finished name='slow' coro="));
}

TEST_CASE("reports: a step below the limit, or without debug mode, is no report") {
    for (const bool debug : {false, true}) {
        EventLoop loop({.debug = debug});
        Reports reports(loop);
        static_cast<void>(loop.kernel_name());
        reports.seen.clear();  // where io_uring is refused the loop has said so
        CHECK(loop.slow_callback_duration() == 100ms);
        loop.set_slow_callback_duration(debug ? Delay(24h) : Delay(0s));
        loop.run_until_complete(nothing());
        CHECK(reports.seen.empty());
    }
}

TEST_CASE("reports: a deadlock names the task, its awaits, and where the future was made") {
    auto waits = []() -> Task<> {
        Promise<> never = get_running_loop().create_future<void>();
        Future<> future = never.get_future();
        co_await future;
    };
    const std::string text = thrown<DeadlockError>([&] { testing::run_virtual(waits()); });
    CHECK(text.find("deadlock: nothing can ever wake this event loop") == 0);
    CHECK(text.find(" made by <lambda>() at ") != std::string::npos);
    CHECK(text.find("\n    | in <lambda>() at reports_test.cpp:") != std::string::npos);
}

ASYNC_TEST_CASE("get_stack: the awaits of a suspended task, oldest first") {
    struct Chain {
        static Task<> inner() { co_await sleep(1h); }
        static Task<> outer() { co_await inner(); }
    };
    TaskHandle<> task = create_task(Chain::outer());
    CHECK(task.get_stack().size() == 1);
    co_await sleep(0s);
    const std::vector<std::source_location> stack = task.get_stack();
    REQUIRE(stack.size() == 2);
    CHECK(stack[0].line() == stack[1].line() + 1);
    const std::vector<std::source_location> newest = AnyTask(task).get_stack(1);
    REQUIRE(newest.size() == 1);
    CHECK(newest[0].line() == stack[1].line());
    task.cancel();
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK(task.get_stack().empty());
    CHECK(current_task().get_stack().size() == 1);
}

namespace {

std::string order_with(std::optional<std::uint64_t> seed) {
    EventLog log;
    EventLoop loop({.virtual_time = true, .shuffle_seed = seed});
    for (int i = 0; i < 8; ++i) {
        loop.call_soon([&log, i] { log(std::to_string(i)); });
    }
    loop.stop();
    loop.run_forever();
    return log.joined("");
}

}  // namespace

TEST_CASE("shuffled scheduling: a seed permutes what is ready, always in the same way") {
    CHECK(order_with(std::nullopt) == "01234567");
    CHECK(order_with(1) == order_with(1));
    std::set<std::string> orders;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        std::string order = order_with(seed);
        orders.insert(order);
        std::ranges::sort(order);
        CHECK(order == "01234567");
    }
    CHECK(orders.size() > 15);
}

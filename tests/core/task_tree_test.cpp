// Who waits for whom, as the deadlock report tells it; tests/debug/dump_tasks_test.cpp has more.
#include <ringio/core/task_tree.hpp>

#include <ringio/core.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>

#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<> await_future(AnyFuture future) { co_await future; }

std::string state_of(const AnyFuture& task) {
    return detail::describe_state(static_cast<const detail::TaskStateBase&>(*task.shared_state()));
}

std::string deadlock_of(Task<> main) {
    return thrown<DeadlockError>([&] { testing::run_virtual(std::move(main)); });
}

}  // namespace

ASYNC_TEST_CASE("task tree: those who wait for a future, each once, in the order they came") {
    Promise<> promise = get_running_loop().create_future();
    const AnyFuture future = promise.get_future();
    TaskHandle<> first = create_task(await_future(future), {.name = "first"});
    TaskHandle<> second = create_task(await_future(gather(promise.get_future())));
    co_await turns(2);
    const auto tasks = detail::tasks_awaiting(*future.shared_state());
    REQUIRE(tasks.size() == 2);
    CHECK(tasks[0] == first.shared_state().get());
    CHECK(tasks[1] == second.shared_state().get());
    promise.set_result();
    CHECK(detail::tasks_awaiting(*future.shared_state()).empty());
    co_await gather(first, second);
}

ASYNC_TEST_CASE("task tree: what a task is about") {
    Promise<> promise = get_running_loop().create_future();
    TaskHandle<> waits = create_task(await_future(promise.get_future()), {.name = "reader"});
    CHECK(state_of(waits) == "is ready to run");
    TaskHandle<> chained = create_task(await_future(waits));
    auto sleeper = []() -> Task<> { co_await sleep(1h); };
    TaskHandle<> sleeps = create_task(sleeper());
    co_await turns(2);
    CHECK(state_of(waits).starts_with("waits for a future made by async_test_body_"));
    CHECK(state_of(waits).find("() at task_tree_test.cpp:") != std::string::npos);
    CHECK(state_of(chained) == "waits for Task 'reader'");
    CHECK(state_of(sleeps) == "waits in sleep");
    CHECK(state_of(current_task()) == "runs now");
    promise.set_result();
    CHECK(state_of(waits) == "is ready to run");
    sleeps.cancel();
    CHECK(state_of(sleeps).ends_with(", to be cancelled"));
    co_await chained;
    CHECK(state_of(chained) == "is done");
    CHECK_AWAIT(is_cancelled(sleeps), true);
}

TEST_CASE("task tree: a deadlock is told from the task that waits down to what nobody does") {
    auto main = []() -> Task<> {
        Promise<> never = get_running_loop().create_future();
        TaskHandle<> helper = create_task(await_future(never.get_future()), {.name = "helper"});
        co_await helper;
    };
    const std::string text = deadlock_of(main());
    INFO(text);
    CHECK(
        text.starts_with("deadlock: nothing can ever wake this event loop; these tasks wait:\n"
                         "  * Task 'Task-"));
    CHECK(text.find("' waits for Task 'helper'\n    | created by ") != std::string::npos);
    CHECK(text.find("\n      * Task 'helper' waits for a future made by <lambda>() at "
                    "task_tree_test.cpp:") != std::string::npos);
    CHECK(text.find("\n        | in await_future() at task_tree_test.cpp:") != std::string::npos);
    CHECK(text.back() != '\n');
}

TEST_CASE("task tree: a deadlock of tasks that wait for each other says so") {
    auto main = []() -> Task<> {
        Promise<AnyFuture> other = get_running_loop().create_future<AnyFuture>();
        auto body = [&]() -> Task<> {
            AnyFuture second = co_await other.get_future();
            co_await second;
        };
        TaskHandle<> a = create_task(body(), {.name = "a"});
        TaskHandle<> b = create_task(await_future(a), {.name = "b"});
        other.set_result(b);
        co_await turns(3);
        Promise<> never = get_running_loop().create_future();
        co_await never.get_future();
    };
    const std::string text = deadlock_of(main());
    INFO(text);
    CHECK(text.find("* Task 'a' waits for Task 'b'\n") != std::string::npos);
    CHECK(text.find("* Task 'b' waits for Task 'a'\n") != std::string::npos);
    CHECK(text.ends_with("* Task 'a' (see above): these tasks wait for each other in a circle"));
}

TEST_CASE("task tree: a deadlock without a task, and one that a thread might end") {
    EventLoop loop({.debug = true});
    Promise<> never = loop.create_future();
    const std::string text =
        thrown<DeadlockError>([&] { loop.run_until_complete(never.get_future()); });
    CHECK(text ==
          "deadlock: nothing can ever wake this event loop, which has no task: who is to set the "
          "future that it runs for?\n"
          "If another thread is to wake it, have that thread hold EventLoop::expect_wakeup().");
}

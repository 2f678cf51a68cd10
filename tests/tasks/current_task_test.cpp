#include <ringio/tasks/current_task.hpp>

#include "scenario.hpp"

#include <algorithm>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

ASYNC_TEST_CASE("current_task: is the task that runs, also in coroutines that it awaits",
                "[any_order]") {
    AnyTask inside;
    auto look = [&inside]() -> Task<> {
        co_await sleep(0s);
        inside = current_task();
    };
    co_await look();
    CHECK(inside == current_task());
    auto task = create_task(look());
    co_await task;
    CHECK(inside == task);
    CHECK_FALSE(inside == current_task());
}

ASYNC_TEST_CASE("current_task: follows tasks that alternate") {
    EventLog log;
    auto alternating = [](EventLog& into) -> Task<> {
        for (int i = 0; i < 2; ++i) {
            into(current_task().get_name());
            co_await sleep(0s);
        }
        into(current_task().get_name());
    };
    auto a = create_task(alternating(log), {.name = "a"});
    auto b = create_task(alternating(log), {.name = "b"});
    co_await gather(a, b);
    CHECK(log.joined() == "a b a b a b");
}

ASYNC_TEST_CASE("current_task: throws in a callback, where no task runs") {
    std::string text;
    get_running_loop().call_soon([&text] { text = thrown_by([] { current_task(); }); });
    co_await sleep(0s);
    CHECK(text.find("no running task") == 0);
}

TEST_CASE("current_task: throws without a loop") {
    CHECK(thrown_by([] { current_task(); }) == "no running event loop");
    CHECK(thrown_by([] { all_tasks(); }) == "no running event loop");
}

ASYNC_TEST_CASE("all_tasks: are those that are not done, in order of creation") {
    CHECK(all_tasks() == std::vector{current_task()});
    auto a = create_task(sleep(2s), {.name = "a"});
    auto b = create_task(sleep(1s), {.name = "b"});
    CHECK(all_tasks() == std::vector<AnyTask>{current_task(), a, b});
    co_await b;
    CHECK(all_tasks(get_running_loop()) == std::vector<AnyTask>{current_task(), a});
    a.cancel();
    CHECK(all_tasks().size() == 2);
    co_await sleep(0s);
    CHECK(all_tasks() == std::vector{current_task()});
}

TEST_CASE("all_tasks: of a loop that does not run") {
    EventLoop loop;
    CHECK(all_tasks(loop).empty());
    auto task = loop.create_task(give(1));
    CHECK(all_tasks(loop) == std::vector<AnyTask>{task});
    CHECK(loop.run_until_complete(task) == 1);
    CHECK(all_tasks(loop).empty());
}

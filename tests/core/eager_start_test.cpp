#include <ringio/core/task.hpp>

#include "watching.hpp"

#include <support/async_test_case.hpp>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using testing::EventLog;

namespace {

constexpr TaskOptions eagerly{.eager_start = true};

Task<int> log_and_give(EventLog& log, int value) {
    log("body");
    co_return value;
}

}  // namespace

ASYNC_TEST_CASE("eager start: the body runs to its first suspension inside create_task") {
    EventLog log;
    auto body = [&log]() -> Task<> {
        log("begin");
        co_await sleep(0s);
        log("end");
    };
    TaskHandle<> task = create_task(body(), eagerly);
    log("created");
    co_await task;
    CHECK(log.joined() == "begin created end");
}

ASYNC_TEST_CASE("eager start: a body that never suspends is done at once and is no task any more") {
    EventLog log;
    const std::size_t before = all_tasks().size();
    TaskHandle<int> task = create_task(log_and_give(log, 5), eagerly);
    CHECK(task.done());
    CHECK(task.result() == 5);
    CHECK(all_tasks().size() == before);
    task.add_done_callback([&log] { log("callback"); });
    log("after");
    co_await sleep(0s);
    CHECK(log.joined() == "body after callback");
}

ASYNC_TEST_CASE("eager start: the current task is the eager one, and then again the outer one") {
    const AnyTask outer = current_task();
    AnyTask inner;
    auto body = [&inner]() -> Task<> {
        inner = current_task();
        co_await sleep(0s);
        CHECK(inner == current_task());
    };
    TaskHandle<> task = create_task(body(), eagerly);
    CHECK(inner == AnyTask(task));
    CHECK(outer == current_task());
    co_await task;
    CHECK(outer == current_task());
}

ASYNC_TEST_CASE("eager start: it is in all_tasks() during its first step and while it waits") {
    std::size_t during = 0;
    const std::size_t before = all_tasks().size();
    auto body = [&during]() -> Task<> {
        during = all_tasks().size();
        co_await sleep(0s);
    };
    TaskHandle<> task = create_task(body(), eagerly);
    CHECK(during == before + 1);
    CHECK(all_tasks().size() == before + 1);
    co_await task;
    CHECK(all_tasks().size() == before);
}

ASYNC_TEST_CASE("eager start: what it sets in its context stays there") {
    static ContextVar<int> number("number", 0);
    number.set(1);
    auto body = []() -> Task<int> {
        number.set(2);
        co_await sleep(0s);
        co_return number.get();
    };
    TaskHandle<int> task = create_task(body(), eagerly);
    CHECK(number.get() == 1);
    const int seen = co_await task;
    CHECK(seen == 2);
    CHECK(number.get() == 1);
}

ASYNC_TEST_CASE("eager start: an exception in the first step is stored, not thrown") {
    auto fails = []() -> Task<> {
        throw std::runtime_error("boom");
        co_return;
    };
    TaskHandle<> task = create_task(fails(), eagerly);
    REQUIRE(task.done());
    CHECK(task.exception() != nullptr);
    co_return;
}

ASYNC_TEST_CASE("eager start: cancelled after the first step, it is cancelled where it waits") {
    EventLog log;
    auto body = [&log]() -> Task<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            log("cancelled");
            throw;
        }
    };
    TaskHandle<> task = create_task(body(), eagerly);
    CHECK(task.cancel());
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK(task.cancelled());
    CHECK(log.joined() == "cancelled");
}

ASYNC_TEST_CASE("eager start: tasks that start tasks, a hundred deep") {
    struct Nest {
        static Task<int> make(int depth) {
            if (depth == 0) {
                co_return 0;
            }
            TaskHandle<int> inner = get_running_loop().create_task(make(depth - 1), eagerly);
            const int below = co_await inner;
            co_return below + 1;
        }
    };
    TaskHandle<int> task = get_running_loop().create_task(Nest::make(100), eagerly);
    CHECK(task.done());
    CHECK(task.result() == 100);
    co_return;
}

TEST_CASE("eager start: on a loop that does not run, it is an ordinary start") {
    EventLog log;
    EventLoop loop;
    TaskHandle<int> task = loop.create_task(log_and_give(log, 1), eagerly);
    CHECK_FALSE(task.done());
    CHECK(loop.run_until_complete(task) == 1);
}

ASYNC_TEST_CASE("task factory: eager_task_factory makes every task eager") {
    EventLog log;
    EventLoop& loop = get_running_loop();
    loop.set_task_factory(eager_task_factory);
    TaskHandle<int> task = create_task(log_and_give(log, 5));
    CHECK(task.done());
    loop.set_task_factory(nullptr);
    TaskHandle<int> lazy = create_task(log_and_give(log, 6));
    CHECK_FALSE(lazy.done());
    const int value = co_await lazy;
    CHECK(value == 6);
}

ASYNC_TEST_CASE("task factory: it sees each task before its first step and may name it") {
    EventLog log;
    EventLoop& loop = get_running_loop();
    loop.set_task_factory([&log](EventLoop&, const AnyTask& task, TaskOptions& options) {
        log(options.name.empty() ? "unnamed" : std::string(options.name));
        CHECK_FALSE(task.done());
        options.name = "by the factory";
    });
    TaskHandle<int> task = create_task(log_and_give(log, 5), {.name = "mine"});
    CHECK(task.get_name() == "by the factory");
    const std::tuple<int> values = co_await gather(log_and_give(log, 1));
    loop.set_task_factory(nullptr);
    CHECK(std::get<0>(values) == 1);
    CHECK(log.joined() == "mine unnamed body body");
}

ASYNC_TEST_CASE("task factory: one that throws refuses the task, and the coroutine is destroyed") {
    EventLog log;
    EventLoop& loop = get_running_loop();
    const std::size_t before = all_tasks().size();
    loop.set_task_factory([](EventLoop&, const AnyTask&, TaskOptions&) {
        throw std::runtime_error("no more tasks");
    });
    const std::string text = thrown<std::runtime_error>([&] { create_task(log_and_give(log, 5)); });
    loop.set_task_factory(nullptr);
    CHECK(text == "no more tasks");
    CHECK(all_tasks().size() == before);
    CHECK(log.joined() == "");
    co_return;
}

// The tasks of a loop, as a text.
#include <ringio/debug/dump_tasks.hpp>

#include <chrono>
#include <cstdio>
#include <regex>
#include <string>
#include <vector>

#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<> await_future(AnyFuture future) { co_await future; }
Task<> acquire(Lock& lock) { co_await lock.acquire(); }

/// The text with the names of functions and lines that the test case itself has made general.
std::string general(std::string text) {
    text = std::regex_replace(text, std::regex("async_test_body_\\d+"), "test");
    text = std::regex_replace(text, std::regex("(\\.[ch]pp):\\d+"), "$1:N");
    return std::regex_replace(text, std::regex("'Task-\\d+'"), "'Task-N'");
}

std::size_t lines_with(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

}  // namespace

ASYNC_TEST_CASE("dump_tasks: the only task is the one that runs") {
    co_await sleep(0s);
    const std::string text = debug::format_tasks();
    CHECK(text.starts_with("1 task is not done\n* Task 'Task-"));
    CHECK(general(text).find("' runs now\n") != std::string::npos);
    CHECK(general(text).ends_with("\n  | in test() at dump_tasks_test.cpp:N\n"));
}

ASYNC_TEST_CASE("dump_tasks: a chain of tasks stands below the one that waits") {
    Promise<> promise = get_running_loop().create_future();
    TaskHandle<> a = create_task(await_future(promise.get_future()), {.name = "a"});
    TaskHandle<> b = create_task(await_future(a), {.name = "b"});
    co_await turns(2);
    const std::string text = general(debug::format_tasks());
    CHECK(text.starts_with("3 tasks are not done\n"));
    CHECK(
        text.ends_with("* Task 'b' waits for Task 'a'\n"
                       "  | created by test() at dump_tasks_test.cpp:N\n"
                       "  | in await_future() at dump_tasks_test.cpp:N\n"
                       "    * Task 'a' waits for a future made by test() at dump_tasks_test.cpp:N\n"
                       "      | created by test() at dump_tasks_test.cpp:N\n"
                       "      | in await_future() at dump_tasks_test.cpp:N\n"));
    promise.set_result();
    co_await b;
}

ASYNC_TEST_CASE("dump_tasks: a task for which two wait is told in full once") {
    Promise<> promise = get_running_loop().create_future();
    TaskHandle<> a = create_task(await_future(promise.get_future()), {.name = "a"});
    TaskHandle<> b = create_task(await_future(a), {.name = "b"});
    TaskHandle<> c = create_task(await_future(a), {.name = "c"});
    co_await turns(2);
    const std::string text = debug::format_tasks();
    CHECK(lines_with(text, "* Task 'a'") == 2);
    CHECK(lines_with(text, "* Task 'a' (see above)\n") == 1);
    promise.set_result();
    co_await gather(b, c);
}

ASYNC_TEST_CASE("dump_tasks: the tasks of a group, and of a gather, stand below their parent") {
    Promise<> promise = get_running_loop().create_future();
    AnyFuture future = promise.get_future();
    auto body = [&](TaskGroup& group) -> Task<> {
        group.create_task(await_future(future), {.name = "child"});
        co_await gather(create_task(await_future(future), {.name = "gathered"}));
    };
    auto parent = [&]() -> Task<> { co_await task_group(body); };
    TaskHandle<> task = create_task(parent(), {.name = "parent"});
    co_await turns(3);
    const std::string text = debug::format_tasks();
    INFO(text);
    CHECK(text.find("\n* Task 'parent' waits for a future\n") != std::string::npos);
    CHECK(text.find("\n    * Task 'child' waits for ") != std::string::npos);
    CHECK(text.find("\n    * Task 'gathered' waits for ") != std::string::npos);
    promise.set_result();
    co_await task;
}

ASYNC_TEST_CASE("dump_tasks: a lock, a queue and a clock are named") {
    Lock lock;
    co_await lock.acquire();
    Queue<int> queue;
    auto gets = [&]() -> Task<> { static_cast<void>(co_await queue.get()); };
    auto sleeps = []() -> Task<> { co_await sleep(1h); };
    std::vector<TaskHandle<>> tasks = {create_task(acquire(lock), {.name = "locks"}),
                                       create_task(gets(), {.name = "gets"}),
                                       create_task(sleeps(), {.name = "sleeps"})};
    co_await sleep(0s);
    const std::string text = debug::format_tasks();
    CHECK(text.find("* Task 'locks' waits in Lock.acquire()\n") != std::string::npos);
    CHECK(text.find("* Task 'gets' waits in Queue.get()\n") != std::string::npos);
    CHECK(text.find("* Task 'sleeps' waits in sleep\n") != std::string::npos);
    for (TaskHandle<>& task : tasks) {
        task.cancel();
    }
    co_await wait(tasks);
    lock.release();
}

ASYNC_TEST_CASE("dump_tasks: a task that has not begun, and one that is to be cancelled") {
    TaskHandle<> task = create_task(await_future({}), {.name = "new"});
    CHECK(debug::format_tasks().find("* Task 'new' is ready to run\n") != std::string::npos);
    task.cancel();
    CHECK(debug::format_tasks().find("* Task 'new' is ready to run, to be cancelled\n") !=
          std::string::npos);
    CHECK_AWAIT(is_cancelled(task), true);
    CHECK(debug::format_tasks().find("'new'") == std::string::npos);
}

ASYNC_TEST_CASE("dump_tasks: a long chain does not run off the page, and all of it is told") {
    Promise<> promise = get_running_loop().create_future();
    AnyFuture last = promise.get_future();
    for (int i = 0; i < 100; ++i) {
        last = create_task(await_future(last), {.name = "n" + std::to_string(i)});
    }
    co_await turns(2);
    const std::string text = debug::format_tasks();
    for (int i = 0; i < 100; ++i) {
        const std::string name = "* Task 'n" + std::to_string(i) + "' ";
        CHECK(lines_with(text, name + "waits for") == 1);
    }
    CHECK(lines_with(text, "(see below)\n") == 4);
    CHECK(text.find(std::string(90, ' ')) == std::string::npos);
    promise.set_result();
    co_await last;
}

TEST_CASE("dump_tasks: two loops have a text each, whether they run or not") {
    EventLoop loop;
    EventLoop other;
    CHECK(debug::format_tasks(loop) == "0 tasks are not done\n");
    auto nothing = []() -> Task<> { co_return; };
    TaskHandle<> a = loop.create_task(nothing(), {.name = "a"});
    TaskHandle<> b = other.create_task(nothing(), {.name = "b"});
    CHECK(debug::format_tasks(loop).find("'a'") != std::string::npos);
    CHECK(debug::format_tasks(loop).find("'b'") == std::string::npos);
    CHECK(debug::format_tasks(other).find("'b'") != std::string::npos);
    loop.run_until_complete(a);
    other.run_until_complete(b);
    CHECK(debug::format_tasks(other) == "0 tasks are not done\n");
    CHECK_THROWS_AS(debug::format_tasks(), std::runtime_error);
}

TEST_CASE("dump_tasks: while a loop is closed, those that are left can be looked at") {
    EventLoop loop;
    std::string seen;
    loop.set_exception_handler(
        [&](EventLoop& closing, const ExceptionContext&) { seen += debug::format_tasks(closing); });
    auto parent = []() -> Task<> {
        auto body = [](TaskGroup& group) -> Task<> {
            auto child = []() -> Task<> { co_await sleep(1h); };
            group.create_task(child(), {.name = "child"});
            co_return;
        };
        co_await task_group(body);
    };
    loop.create_task(parent(), {.name = "parent"});
    for (int turn = 0; turn < 3; ++turn) {
        loop.stop();
        loop.run_forever();
    }
    loop.close();
    CHECK(seen.find("* Task 'child' waits in sleep\n") != std::string::npos);
    CHECK(seen.find("0 tasks are not done\n") != std::string::npos);
}

ASYNC_TEST_CASE("dump_tasks: printed, it is the text") {
    std::FILE* const file = std::tmpfile();
    debug::dump_tasks(file);
    debug::dump_tasks(get_running_loop(), file);
    std::rewind(file);
    std::string text(10000, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
    CHECK(text == debug::format_tasks() + debug::format_tasks());
    co_return;
}

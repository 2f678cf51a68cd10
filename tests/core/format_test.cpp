#include <ringio/core/format.hpp>

#include <chrono>
#include <regex>
#include <stdexcept>
#include <string>

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <ringio/core.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

unsigned first_line = 0;

// The program of the golden repr lines.
Task<std::string> foo() {
    first_line = __LINE__ + 1;
    co_await sleep(1s);
    co_return "Foo!";
}

void got_result() {}

template <class T>
void add_got_result(TaskHandle<T>& task) {
    task.add_done_callback(got_result);
}

/// The text with every "file.cpp:123" made "file.cpp:N".
std::string without_lines(const std::string& text) {
    return std::regex_replace(text, std::regex("\\.cpp:[0-9]+"), ".cpp:N");
}

}  // namespace

ASYNC_TEST_CASE("format: the lines of a task, as Python prints them") {
    TaskHandle<std::string> task = create_task(foo(), {.name = "Task-2"});
    CHECK(without_lines(fmt::format("{}", task)) ==
          "<Task pending name='Task-2' coro=<foo() running at format_test.cpp:N>>");
    co_await sleep(0s);
    CHECK(fmt::format("{}", task) ==
          "<Task pending name='Task-2' coro=<foo() running at format_test.cpp:" +
              std::to_string(first_line) + "> wait_for=<Future pending cb=[Task.task_wakeup()]>>");
    add_got_result(task);
    CHECK(without_lines(fmt::format("{}", task))
              .find(" cb=[add_got_result() at format_test.cpp:N]>") != std::string::npos);
    co_await task;
    CHECK(without_lines(fmt::format("{}", task)) ==
          "<Task finished name='Task-2' coro=<foo() done, defined at format_test.cpp:N> "
          "result='Foo!'>");
}

ASYNC_TEST_CASE("format: a task that is being cancelled, and one that is") {
    Promise<> promise = get_running_loop().create_future();
    auto waits = [](Future<> future) -> Task<> { co_await future; };
    TaskHandle<> task = create_task(waits(promise.get_future()), {.name = "c"});
    current_task().set_name("boss");
    co_await sleep(0s);
    task.cancel();
    CHECK(without_lines(fmt::format("{}", task)) ==
          "<Task cancelling name='c' coro=<<lambda>() running at format_test.cpp:N> "
          "wait_for=<Future cancelled> cancelled by Task 'boss' at format_test.cpp:N>");
    co_await settled(task);
    CHECK(without_lines(fmt::format("{}", task)) ==
          "<Task cancelled name='c' coro=<<lambda>() done, defined at format_test.cpp:N> "
          "cancelled by Task 'boss' at format_test.cpp:N>");
}

ASYNC_TEST_CASE("format: a task that failed") {
    auto fails = []() -> Task<> {
        throw std::runtime_error("boom");
        co_return;
    };
    TaskHandle<> task = create_task(fails(), {.name = "bad"});
    co_await settled(task);
    CHECK(without_lines(fmt::format("{}", task)) ==
          "<Task finished name='bad' coro=<<lambda>() done, defined at format_test.cpp:N> "
          "exception=std::runtime_error('boom')>");
    CHECK(task.exception() != nullptr);
}

ASYNC_TEST_CASE("format: a task that waits for another one shows it") {
    TaskHandle<std::string> inner = create_task(foo(), {.name = "inner"});
    auto waits = [](TaskHandle<std::string> task) -> Task<> { co_await task; };
    TaskHandle<> outer = create_task(waits(inner), {.name = "outer"});
    co_await sleep(0s);
    CHECK(fmt::format("{}", outer).find("wait_for=<Task pending name='inner' coro=<foo()") !=
          std::string::npos);
    co_await outer;
}

ASYNC_TEST_CASE("format: a task that waits for the kernel names the request") {
    const UniqueFd silent(::eventfd(0, EFD_CLOEXEC));
    auto operates = [&]() -> Task<> {
        co_await Op(PollRequest{.fd = silent.get(), .mask = POLLIN});
    };
    TaskHandle<> task = create_task(operates());
    co_await sleep(0s);
    CHECK(fmt::format("{}", task).find(" wait_for=<poll>>") != std::string::npos);
    task.cancel();
    co_await settled(task);
}

ASYNC_TEST_CASE("format: handles of every type show the same") {
    Promise<int> promise = get_running_loop().create_future<int>();
    promise.set_result(5);
    const Future<int> future = promise.get_future();
    CHECK(fmt::format("{}", future) == "<Future finished result=5>");
    CHECK(fmt::format("{}", AnyFuture(future)) == "<Future finished result=5>");
    TaskHandle<> task = create_task(sleep(0s), {.name = "t"});
    CHECK(fmt::format("{}", AnyTask(task)) == fmt::format("{}", task));
    CHECK(fmt::format("{}", Future<>(task)) == fmt::format("{}", task));
    co_await task;
}

TEST_CASE("format: a handle of nothing says so") {
    CHECK(fmt::format("{}", Future<int>()) == "<Future none>");
    CHECK(fmt::format("{}", AnyFuture()) == "<Future none>");
}

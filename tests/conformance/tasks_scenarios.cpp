// tasks: what a task is, by what it is known, and what it gives.
#include <ringio/tasks.hpp>
#include "scenario.hpp"

#include <algorithm>
#include <coroutine>

namespace ringio::conformance {
namespace {

Task<int> add_inner_values() {
    const int a = co_await value(42);
    const int b = co_await value(1000);
    co_return a + b;
}

CONFORMS("tasks.basics") {
    auto task = create_task(add_inner_values());
    log(task.done(), task.cancelled());
    log(co_await task);
    log(task.done(), task.cancelled(), task.result(), error(task.exception()));
}

CONFORMS("tasks.lazy_coroutine") {
    const auto work = []() -> Task<int> {
        log("work");
        co_return 5;
    };
    Task<int> coroutine = work();
    log("made");
    log(co_await coroutine);
    try {
        co_await coroutine;
    } catch (...) {
        log(error_of_current());
    }
}

CONFORMS("tasks.exception") {
    auto task = create_task(fail("boom"));
    log(co_await ended(task));
    log(co_await ended(task));
    log(task.done(), task.cancelled(), error(task.exception()));
    log(call([&] { task.result(); }));
}

CONFORMS("tasks.result_before_the_end") {
    auto task = create_task(value(1));
    log(call([&] { task.result(); }));
    log(call([&] { static_cast<void>(task.exception()); }));
    co_await task;
    log(task.result(), error(task.exception()));
}

CONFORMS("tasks.name") {
    auto task = create_task(value(1), {.name = "fetcher"});
    log(task.get_name());
    task.set_name("renamed");
    log(task.get_name());
    co_await task;
    log(task.get_name());
}

CONFORMS("tasks.default_name") {
    std::vector<TaskHandle<int>> tasks;
    std::vector<int> numbers;
    for (int i = 0; i < 3; ++i) {
        tasks.push_back(create_task(value(i)));
        numbers.push_back(std::stoi(tasks.back().get_name().substr(5)));
    }
    log(numbers[1] - numbers[0], numbers[2] - numbers[1]);
    co_await gather(tasks);
}

Task<> log_own_name() {
    log(current_task().get_name());
    co_return;
}

Task<> log_names() {
    log(current_task().get_name());
    co_await log_own_name();
    co_await sleep(0s);
    log(current_task().get_name());
}

CONFORMS("tasks.current_task") {
    log(current_task().get_name() != "a");
    auto a = create_task(log_names(), {.name = "a"});
    auto b = create_task(log_names(), {.name = "b"});
    co_await gather(a, b);
}

CONFORMS_PLAIN("tasks.current_task_no_loop") {
    log(call([] { current_task(); }));
}

std::vector<std::string> sorted_names() {
    std::vector<std::string> names;
    for (const AnyTask& task : all_tasks()) {
        names.push_back(task.get_name());
    }
    std::sort(names.begin(), names.end());
    return names;
}

CONFORMS("tasks.all_tasks") {
    current_task().set_name("main");
    auto first = create_task(turns(1), {.name = "first"});
    auto second = create_task(sleep(1s), {.name = "second"});
    log(sorted_names());
    co_await first;
    log(sorted_names());
    second.cancel();
    log(sorted_names());
    co_await sleep(0s);
    log(sorted_names());
}

CONFORMS_PLAIN("tasks.create_task_no_loop") {
    log(call([] { create_task(value(1)); }));
}

CONFORMS("tasks.detached") {
    const auto work = []() -> Task<> {
        co_await sleep(1s);
        log("done at", now());
    };
    create_task(work());
    co_await sleep(2s);
}

CONFORMS("tasks.ensure_future_coroutine") {
    auto task = ensure_future(value("ok"s));
    log(task.done());
    log(co_await task);
}

CONFORMS("tasks.ensure_future_future") {
    auto promise = loop_promise<std::string>();
    promise.set_result("ko");
    Future<std::string> future = promise.get_future();
    log(ensure_future(future) == future);
    auto task = create_task(value("ok"s));
    log(ensure_future(task) == task);
    const std::string of_task = co_await task;
    log(future.result(), of_task);
}

// An awaitable that is neither a coroutine nor a future: a C++ awaiter.
struct Gate {
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const {
        get_running_loop().call_soon([waiting] { waiting(); });
    }
    std::string await_resume() const { return "through the gate"; }
};

CONFORMS("tasks.ensure_future_awaitable") {
    log(co_await ensure_future(Gate()));
    log(co_await Gate());
}

CONFORMS("tasks.awaits_on_itself") {
    TaskHandle<> task;
    const auto work = [&]() -> Task<> { co_await task; };
    task = create_task(work());
    try {
        co_await task;
    } catch (const std::runtime_error& refused) {
        log(std::string_view(refused.what()).find("Task cannot await on itself") !=
            std::string_view::npos);
    }
}

CONFORMS("tasks.other_loop_future") {
    EventLoop other(virtual_time());
    Future<> future = other.create_future<void>().get_future();
    try {
        co_await future;
    } catch (const std::runtime_error& refused) {
        log(std::string_view(refused.what()).find("attached to a different loop") !=
            std::string_view::npos);
    }
}

Task<Promise<int>> make_future() { co_return loop_promise<int>(); }

CONFORMS("tasks.step_result_future") {
    Promise<int> promise = co_await create_task(make_future());
    log(promise.done());
    promise.set_result(3);
    log(co_await promise.get_future());
}

Task<std::string> fail_after_failure() {
    try {
        throw std::out_of_range("first");
    } catch (const std::out_of_range&) {
    }
    co_return co_await ended(create_task(fail("second")));
}

CONFORMS("tasks.exception_chaining_after_await") { log(co_await fail_after_failure()); }

CONFORMS_PLAIN("tasks.error_in_call_soon") {
    EventLoop loop(virtual_time());
    loop.close();
    const auto work = []() -> Task<> {
        log("not reached");
        co_return;
    };
    log(call([&] { loop.create_task(work()); }));
}

CONFORMS("tasks.never_retrieved") {
    log_reports();
    TaskHandle<> task = create_task(fail("lost"));
    co_await sleep(0s);
    task = {};
    log("seen ones are not");
    task = create_task(fail("seen"));
    co_await sleep(0s);
    log(error(task.exception()));
    task = {};
    log("end");
}

CONFORMS("tasks.callbacks") {
    auto task = create_task(value(9), {.name = "nine"});
    task.add_done_callback(
        [](const TaskHandle<int>& done) { log("first", done.get_name(), done.result()); });
    task.add_done_callback([&](const TaskHandle<int>& done) { log("second", done == task); });
    co_await task;
    log("awaited");
    task.add_done_callback([] { log("late"); });
    co_await sleep(0s);
}

struct Local {
    explicit Local(const char* text) : name(text) {}
    Local(const Local&) = delete;
    Local& operator=(const Local&) = delete;
    ~Local() { log("gone:", name); }
    const char* name;
};

Task<> inner_with_local() {
    const Local local("inner");
    co_await sleep(0s);
}

Task<> outer_with_local() {
    const Local local("outer");
    co_await inner_with_local();
    log("inner is over");
}

CONFORMS("tasks.frames_end_in_order") {
    co_await create_task(outer_with_local());
    log("outer is over");
}

CONFORMS("tasks.another_task_of_the_same_loop_fails") {
    auto bad = create_task(fail("bad"));
    auto good = create_task(sleep(1s, "good"s));
    log(co_await good);
    const std::string end = co_await ended(bad);
    log(end, kind(bad.exception()));
}

}  // namespace
}  // namespace ringio::conformance

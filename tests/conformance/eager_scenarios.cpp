// eager: tasks whose first step runs inside create_task().
#include <ringio/tasks.hpp>
#include "scenario.hpp"

#include <algorithm>

namespace ringio::conformance {
namespace {

template <class T>
auto eager(Task<T> coroutine, std::string_view name = {}) {
    return create_task(std::move(coroutine), {.name = name, .eager_start = true});
}

std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const AnyTask& task : all_tasks()) {
        all.push_back(task.get_name());
    }
    std::sort(all.begin(), all.end());
    return all;
}

void make_all_tasks_eager() { get_running_loop().set_task_factory(eager_task_factory); }

CONFORMS("eager.completion") {
    const auto work = []() -> Task<std::string> {
        log("runs");
        co_return "hello";
    };
    auto task = eager(work());
    log("created", task.done(), task.result());
    log(co_await task);
}

CONFORMS("eager.await_future_during_eager_step") {
    auto promise = loop_promise<std::string>();
    const auto set_result = [&]() -> Task<> {
        promise.set_result("my message");
        co_return;
    };
    auto task = eager(set_result());
    log(task.done(), promise.done());
    log(co_await promise.get_future());
}

CONFORMS("eager.block_after_eager_step") {
    const auto work = []() -> Task<std::string> {
        log("first step");
        co_await sleep(100ms);
        log("second step");
        co_return "finished after blocking";
    };
    auto task = eager(work());
    log("created", task.done());
    const std::string result = co_await task;
    log(result, task.done());
}

CONFORMS("eager.cancellation_after_eager_completion") {
    auto task = eager(value("finished without blocking"s));
    const bool accepted = task.cancel();
    log(accepted, task.cancelled(), task.cancelling());
    log(co_await task);
}

CONFORMS("eager.cancellation_after_eager_step_blocks") {
    const auto work = []() -> Task<> {
        try {
            co_await sleep(100ms);
        } catch (const CancelledError&) {
            log("caught", error_of_current());
            throw;
        }
    };
    auto task = eager(work());
    log(task.cancel("cancellation message"));
    log(task.cancelling());
    const std::string end = co_await ended(task);
    log(end, task.cancelled());
}

CONFORMS("eager.cancel_self_in_eager_step") {
    const auto work = []() -> Task<> {
        current_task().cancel();
        log("still running");
        co_await sleep(1s);
        log("not reached");
    };
    auto task = eager(work());
    log(task.done(), task.cancelling());
    log(co_await ended(task));
}

CONFORMS("eager.cancel_self_and_return") {
    const auto work = []() -> Task<std::string> {
        current_task().cancel();
        co_return "lost";
    };
    auto task = eager(work());
    log(task.done(), task.cancelled());
    log(co_await ended(task));
}

CONFORMS("eager.exception") {
    auto task = eager(fail("boom"));
    log(task.done(), error(task.exception()));
    log(co_await ended(task));
}

CONFORMS("eager.exception_unretrieved") {
    log_reports();
    TaskHandle<> task = eager(fail("lost"));
    task = {};
    log("end");
    co_return;
}

CONFORMS("eager.cancelled_error") {
    const auto work = []() -> Task<> {
        throw CancelledError("of its own");
        co_return;
    };
    auto task = eager(work());
    log(task.done(), task.cancelled());
    log(co_await ended(task));
}

CONFORMS("eager.current_task") {
    current_task().set_name("main");
    const auto work = []() -> Task<> {
        log(current_task().get_name());
        co_await sleep(0s);
        log(current_task().get_name());
    };
    auto task = eager(work(), "child");
    log(current_task().get_name());
    co_await task;
    log(current_task().get_name());
}

CONFORMS("eager.all_tasks_with_completion") {
    current_task().set_name("main");
    const auto work = []() -> Task<> {
        log(names());
        co_return;
    };
    eager(work(), "child");
    log(names());
    co_return;
}

CONFORMS("eager.all_tasks_with_blocking") {
    current_task().set_name("main");
    auto promise = loop_promise();
    const auto work = [&]() -> Task<> {
        log(names());
        co_await promise.get_future();
    };
    auto task = eager(work(), "child");
    log(names());
    promise.set_result();
    co_await task;
    log(names());
}

CONFORMS("eager.context_vars") {
    ContextVar<int> var("var", 0);
    const auto work = [&]() -> Task<> {
        log(var.get());
        var.set(2);
        co_await sleep(100ms);
        log(var.get());
        var.set(3);
    };
    var.set(1);
    auto task = eager(work());
    log(var.get());
    co_await task;
    log(var.get());
}

CONFORMS("eager.shared_context") {
    ContextVar<std::string> var("var", "nope");
    const Context context = copy_context();
    const auto work = [&]() -> Task<> {
        var.set("set in the eager step");
        co_return;
    };
    create_task(work(), {.context = &context, .eager_start = true});
    log(var.get(), *context.get(var));
    co_return;
}

CONFORMS("eager.callbacks_are_scheduled") {
    auto task = eager(value(1));
    task.add_done_callback([](const TaskHandle<int>& done) { log("callback", done.result()); });
    log("added");
    co_await turns(1);
    log("main");
}

CONFORMS("eager.task_factory") {
    EventLoop& loop = get_running_loop();
    log(loop.get_task_factory() == nullptr);
    loop.set_task_factory(eager_task_factory);
    auto first = create_task(value("eager"s));
    log(first.done(), loop.get_task_factory() == nullptr);
    loop.set_task_factory(nullptr);
    auto second = create_task(value("lazy"s));
    log(second.done());
    co_await second;
}

CONFORMS("eager.gather") {
    make_all_tasks_eager();
    get_running_loop().call_soon([] { log("a turn"); });
    std::vector<Task<int>> children;
    children.push_back(value(1));
    children.push_back(value(2));
    auto outer = gather(std::move(children));
    log(outer.done());
    log(co_await outer);
    std::vector<TaskHandle<int>> tasks = {create_task(value(1)), create_task(sleep(1s, 2))};
    outer = gather(tasks);
    log(outer.done());
    log(co_await outer);
}

CONFORMS("eager.gather_with_error") {
    make_all_tasks_eager();
    auto outer = gather(sleep(1s), fail("boom"));
    log(outer.done());
    log(co_await ended(AnyFuture(outer)));
}

Task<int> create_deeper(int depth) {
    if (depth == 0) {
        co_return 1;
    }
    co_return 1 + co_await create_task(create_deeper(depth - 1));
}

CONFORMS("eager.recursive") {
    make_all_tasks_eager();
    auto task = create_task(create_deeper(30));
    const bool done = task.done();
    const int depth = co_await task;
    log(done, depth);
}

Task<> gather_deeper(int depth, int& count) {
    ++count;
    if (depth == 0) {
        co_await sleep(0s);
        co_return;
    }
    std::vector<Task<>> children;
    for (int i = 0; i < 3; ++i) {
        children.push_back(gather_deeper(depth - 1, count));
    }
    co_await gather(std::move(children));
}

CONFORMS("eager.recursive_gather") {
    make_all_tasks_eager();
    int count = 0;
    co_await gather_deeper(4, count);
    log(count);
}

Task<> group_deeper(int depth, int& count) {
    ++count;
    if (depth == 0) {
        co_return;
    }
    const auto body = [&](TaskGroup& group) -> Task<> {
        for (int i = 0; i < 3; ++i) {
            group.create_task(group_deeper(depth - 1, count));
        }
        co_return;
    };
    co_await task_group(body);
}

CONFORMS("eager.recursive_taskgroups") {
    make_all_tasks_eager();
    int count = 0;
    co_await group_deeper(4, count);
    log(count);
}

CONFORMS("eager.task_group_with_error") {
    make_all_tasks_eager();
    const auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(fail("boom"));
        log("body goes on", current_task().cancelling());
        log(call([&group] { group.create_task(value(1)); }).starts_with("RuntimeError"));
        co_await sleep(1s);
        log("not reached");
    };
    try {
        co_await task_group(body);
    } catch (...) {
        log(error_of_current(), current_task().cancelling());
    }
}

CONFORMS("eager.wait") {
    std::vector<AnyTask> tasks = {eager(value(1), "a"),
                                  eager(detail::as_coroutine(sleep(1s)), "b")};
    const WaitOptions first = {.return_when = ReturnWhen::first_completed};
    const auto parts = co_await wait(tasks, first);
    log("['" + parts.done[0].get_name() + "']", "['" + parts.pending[0].get_name() + "']");
    co_await tasks[1];
}

CONFORMS("eager.shield") {
    make_all_tasks_eager();
    auto outer = shield(value("done"s));
    const bool done = outer.done();
    const std::string result = co_await outer;
    log(done, result);
}

CONFORMS("eager.order") {
    const auto work = [](const char* name) -> Task<> {
        log(name, "eager");
        co_await sleep(0s);
        log(name, "later");
    };
    get_running_loop().call_soon([] { log("soon"); });
    auto first = eager(work("first"));
    auto lazy = create_task(work("lazy"));
    auto second = eager(work("second"));
    log("created");
    co_await gather(first, lazy, second);
}

CONFORMS_PLAIN("eager.not_running") {
    EventLoop loop(virtual_time());
    loop.set_task_factory(eager_task_factory);
    const auto work = []() -> Task<std::string> {
        log("runs");
        co_return "result";
    };
    auto task = loop.create_task(work());
    log(task.done());
    log(call([&] { return loop.run_until_complete(task); }));
}

}  // namespace
}  // namespace ringio::conformance

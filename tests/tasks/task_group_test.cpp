#include <ringio/tasks/task_group.hpp>

#include "scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<> sleep_then_fail(Delay delay, std::string text) {
    co_await sleep(delay);
    throw std::runtime_error(text);
}

/// Sleeps; when cancelled, fails with `text`.
Task<> fail_when_cancelled(std::string text) {
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        throw std::runtime_error(text);
    }
}

}  // namespace

ASYNC_TEST_CASE("task_group: ends when all tasks have", "[any_order]") {
    int sum = 0;
    auto body = [&sum](TaskGroup& group) -> Task<int> {
        auto a = group.create_task(give_after(1s, 42));
        auto b = group.create_task(give_after(2s, 11));
        co_await sleep(500ms);
        a.add_done_callback([&sum](const TaskHandle<int>& task) { sum += task.result(); });
        b.add_done_callback([&sum](const TaskHandle<int>& task) { sum += task.result(); });
        co_return 7;
    };
    const int value = co_await task_group(body);
    CHECK(value == 7);
    CHECK(sum == 53);
    CHECK(get_running_loop().time().time_since_epoch() == 2s);
}

ASYNC_TEST_CASE("task_group: a task may be created late in the body") {
    EventLog log;
    auto body = [&log](TaskGroup& group) -> Task<> {
        auto first = group.create_task(work(log, "a", 1));
        co_await first;
        group.create_task(work(log, "b", 1));
    };
    co_await task_group(body);
    CHECK(log.joined() == "a+ a- b+ b-");
}

ASYNC_TEST_CASE("task_group: takes an awaitable that is no coroutine, and a name", "[any_order]") {
    auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(sleep(1s));
        auto task = group.create_task(give(1), {.name = "yolo"});
        CHECK(task.get_name() == "yolo");
        co_return;
    };
    co_await task_group(body);
}

ASYNC_TEST_CASE("task_group: a task that is cancelled alone is no error", "[any_order]") {
    auto body = [](TaskGroup& group) -> Task<int> {
        auto a = group.create_task(give_after(10s, 1));
        auto b = group.create_task(give_after(2s, 2));
        co_await sleep(1s);
        a.cancel();
        const auto end = co_await told(a);
        CHECK(end == "CancelledError");
        co_return co_await b;
    };
    const int value = co_await task_group(body);
    CHECK(value == 2);
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("task_group: an error cancels the siblings and the body") {
    EventLog log;
    TaskHandle<> sibling;
    auto body = [&](TaskGroup& group) -> Task<> {
        group.create_task(sleep_then_fail(1s, "bad"));
        sibling = group.create_task(sleep(1h));
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            log("body cancelled");
            throw;
        }
        log("not reached");
    };
    const auto end = co_await told(task_group(body));
    CHECK(end == "group(bad)");
    CHECK(log.joined() == "body cancelled");
    CHECK(sibling.cancelled());
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("task_group: tasks are cancelled in the order of their creation") {
    EventLog log;
    auto body = [&log](TaskGroup& group) -> Task<> {
        for (const char* name : {"a", "b", "c", "d"}) {
            group.create_task(stubborn(log, name, 0, 0));
        }
        group.create_task(sleep_then_fail(1s, "bad"));
        co_return;
    };
    const auto end = co_await told(task_group(body));
    CHECK(end == "group(bad)");
    CHECK(log.joined() ==
          "a cancelled a cleaned b cancelled b cleaned c cancelled c cleaned d cancelled d "
          "cleaned");
}

ASYNC_TEST_CASE("task_group: the exception is an ExceptionGroup with CPython's text",
                "[any_order]") {
    std::string message;
    std::size_t count = 0;
    auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(sleep_then_fail(1s, "v"));
        group.create_task(sleep_then_fail(1s, "k"));
        co_return;
    };
    try {
        co_await task_group(body);
    } catch (const ExceptionGroup& group) {
        message = group.what();
        count = group.exceptions().size();
    }
    CHECK(message == "unhandled errors in a TaskGroup (2 sub-exceptions)");
    CHECK(count == 2);
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("task_group: two errors in the same instant, in the order of the tasks") {
    auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(sleep_then_fail(1s, "v"));
        group.create_task(sleep_then_fail(1s, "k"));
        co_await sleep(1h);
    };
    const auto end = co_await told(task_group(body));
    CHECK(end == "group(v, k)");
}

ASYNC_TEST_CASE("task_group: an error that a sibling throws when cancelled is kept too",
                "[any_order]") {
    auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(fail_when_cancelled("second"));
        group.create_task(sleep_then_fail(1s, "first"));
        co_return;
    };
    const auto end = co_await told(task_group(body));
    CHECK(end == "group(first, second)");
}

ASYNC_TEST_CASE("task_group: an error of the body, before and after its tasks have started") {
    for (const int turns : {0, 1}) {
        TaskHandle<> child;
        auto body = [&](TaskGroup& group) -> Task<> {
            child = group.create_task(sleep(1h));
            co_await yield(turns);
            throw std::runtime_error("bad");
        };
        const auto end = co_await told(task_group(body));
        CHECK(end == "group(bad)");
        CHECK(child.cancelled());
        CHECK(current_task().cancelling() == 0);
    }
}

ASYNC_TEST_CASE("task_group: errors of a task and of the body are combined", "[any_order]") {
    auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(sleep_then_fail(1s, "task"));
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            throw std::runtime_error("body");
        }
    };
    const auto end = co_await told(task_group(body));
    CHECK(end == "group(task, body)");
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("task_group: KeyboardInterrupt of the body comes out bare", "[any_order]") {
    auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(sleep_then_fail(1s, "task"));
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
        }
        throw KeyboardInterrupt();
    };
    const auto end = co_await told(task_group(body));
    CHECK(end == "KeyboardInterrupt");
}

ASYNC_TEST_CASE("task_group: nested, an error of the inner one nests", "[any_order]") {
    auto inner = [](TaskGroup& group) -> Task<> {
        group.create_task(sleep_then_fail(1s, "inner"));
        co_await sleep(1h);
    };
    auto outer = [&inner](TaskGroup& group) -> Task<> {
        group.create_task(fail_when_cancelled("outer"));
        co_await task_group(inner);
    };
    const auto end = co_await told(task_group(outer));
    CHECK(end == "group(outer, group(inner))");
}

ASYNC_TEST_CASE("task_group: nested, an error of the outer one ends the inner one quietly") {
    EventLog log;
    auto inner = [&log](TaskGroup& group) -> Task<> {
        group.create_task(sleep(1h));
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            log("inner cancelled");
            throw;
        }
    };
    auto outer = [&inner](TaskGroup& group) -> Task<> {
        group.create_task(sleep_then_fail(1s, "outer"));
        co_await task_group(inner);
    };
    const auto end = co_await told(task_group(outer));
    CHECK(end == "group(outer)");
    CHECK(log.joined() == "inner cancelled");
}

ASYNC_TEST_CASE("task_group: nested in a task, its group is one error of the outer one") {
    auto inner = [](TaskGroup& group) -> Task<> {
        group.create_task(sleep_then_fail(1s, "a"));
        group.create_task(sleep_then_fail(1s, "b"));
        co_return;
    };
    auto outer = [&inner](TaskGroup& group) -> Task<> {
        group.create_task(task_group(inner));
        co_return;
    };
    const auto end = co_await told(task_group(outer));
    CHECK(end == "group(group(a, b))");
}

ASYNC_TEST_CASE("task_group: two nested groups, both cancelled by errors", "[any_order]") {
    std::string text;
    auto outer = [&text](TaskGroup& outer_group) -> Task<> {
        auto inner = [&outer_group](TaskGroup& inner_group) -> Task<> {
            inner_group.create_task(sleep_then_fail(0s, "inner"));
            outer_group.create_task(sleep_then_fail(0s, "outer"));
            co_return;
        };
        text = co_await told(task_group(inner));
        text += " " + std::to_string(current_task().cancelling());
    };
    const auto end = co_await told(task_group(outer));
    CHECK(text == "group(inner) 1");
    CHECK(end == "group(outer)");
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("task_group: a task may create tasks while the group waits") {
    EventLog log;
    auto body = [&log](TaskGroup& group) -> Task<> {
        auto parent = [](EventLog& into, TaskGroup& owner) -> Task<> {
            co_await sleep(1s);
            owner.create_task(work(into, "child", 1));
            into("parent-");
        };
        group.create_task(parent(log, group));
        co_return;
    };
    co_await task_group(body);
    CHECK(log.joined() == "parent- child+ child-");
}

namespace {

// Two for each one, for as long as it is `growing`.
Task<> hydra(TaskGroup& group, int& heads, const bool& growing) {
    ++heads;
    co_await sleep(10ms);
    if (growing) {
        group.create_task(hydra(group, heads, growing));
        group.create_task(hydra(group, heads, growing));
    }
}

Task<> hercules(const int& heads) {
    while (heads < 10) {
        co_await sleep(15ms);
    }
    throw std::runtime_error("stop");
}

}  // namespace

ASYNC_TEST_CASE("task_group: ends although its tasks create tasks without end", "[any_order]") {
    int heads = 0;
    const bool growing = true;
    auto body = [&](TaskGroup& group) -> Task<> {
        group.create_task(hydra(group, heads, growing));
        group.create_task(hercules(heads));
        co_return;
    };
    const auto end = co_await told(task_group(body));
    CHECK(end == "group(stop)");
    CHECK(heads >= 10);
}

ASYNC_TEST_CASE("task_group: forgets the tasks that are done") {
    auto body = [](TaskGroup& group) -> Task<> {
        CHECK(group.repr() == "<TaskGroup entered>");
        group.create_task(give(1));
        group.create_task(give_after(1s, 2));
        CHECK(group.repr() == "<TaskGroup tasks=2 entered>");
        co_await yield(3);
        CHECK(group.repr() == "<TaskGroup tasks=1 entered>");
    };
    co_await task_group(body);
}

ASYNC_TEST_CASE("task_group: no task can be created once it is shutting down") {
    std::string refusal;
    EventLog log;
    auto body = [&](TaskGroup& group) -> Task<> {
        group.create_task(sleep_then_fail(1s, "bad"));
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            refusal = thrown_by([&] { group.create_task(work(log, "late", 0)); });
            throw;
        }
    };
    const auto end = co_await told(task_group(body));
    CHECK(end == "group(bad)");
    CHECK(refusal == "TaskGroup <TaskGroup errors=1 cancelling> is shutting down");
    CHECK(log.joined() == "");
}

ASYNC_TEST_CASE("task_group: no task can be created before it begins or after it ended",
                "[any_order]") {
    TaskGroup group;
    CHECK(group.repr() == "<TaskGroup>");
    CHECK(thrown_by([&] { group.create_task(give(1)); }) ==
          "TaskGroup <TaskGroup> has not been entered");
    group.enter();
    CHECK(thrown_by([&] { group.enter(); }) ==
          "TaskGroup <TaskGroup entered> has already been entered");
    group.create_task(give(1));
    co_await group.leave(nullptr);
    CHECK(thrown_by([&] { group.create_task(give(1)); }) ==
          "TaskGroup <TaskGroup entered> is finished");
    CHECK(thrown_by([&] { group.enter(); }) ==
          "TaskGroup <TaskGroup entered> has already been entered");
}

ASYNC_TEST_CASE("task_group: needs a parent task") {
    std::string text;
    get_running_loop().call_soon([&text] {
        TaskGroup group;
        text = thrown_by([&] { group.enter(); });
    });
    co_await sleep(0s);
    CHECK(text == "TaskGroup <TaskGroup> cannot determine the parent task");
}

TEST_CASE("task_group: one that a closing loop destroys is reported once, as a pending task") {
    std::vector<std::string> messages;
    EventLoop loop;
    loop.set_exception_handler([&messages](EventLoop&, const ExceptionContext& context) {
        messages.push_back(context.message);
    });
    auto body = [](TaskGroup&) -> Task<> {
        get_running_loop().stop();
        co_await sleep(1h);
    };
    loop.create_task(task_group(body));
    loop.run_forever();
    loop.close();
    CHECK(messages == std::vector<std::string>{"Task was destroyed but it is pending!"});
}

// TaskGroup::cancel(), which ends a group without an error, and TaskGroup::start(), which waits
// until a task is ready.
#include <ringio/tasks/task_group.hpp>

#include "scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<> rest(EventLog& log, std::string name) {
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        log(name + " cancelled");
        throw;
    }
}

Task<> cancel_after(TaskGroup& group, Delay delay) {
    co_await sleep(delay);
    group.cancel();
}

std::string state_of_this_task() { return std::to_string(current_task().cancelling()); }

}  // namespace

ASYNC_TEST_CASE("task_group: cancel() in the body ends tasks and body, and is no error") {
    EventLog log;
    auto body = [&log](TaskGroup& group) -> Task<> {
        group.create_task(rest(log, "a"));
        group.create_task(rest(log, "b"));
        co_await sleep(1s);
        group.cancel();
        log("goes on");
        co_await sleep(1s);
        log("never");
    };
    const std::string end = co_await told(task_group(body));
    CHECK(log.joined() == "goes on a cancelled b cancelled");
    CHECK(end == "none");
    CHECK(state_of_this_task() == "0");
    co_await sleep(1s);
}

ASYNC_TEST_CASE("task_group: cancel() by a task of the group, which is cancelled as well") {
    EventLog log;
    auto canceller = [&log](TaskGroup& group) -> Task<> {
        co_await sleep(1s);
        group.cancel();
        co_await rest(log, "canceller");
    };
    auto body = [&](TaskGroup& group) -> Task<> {
        group.create_task(rest(log, "a"));
        group.create_task(canceller(group));
        co_await rest(log, "body");
    };
    const std::string end = co_await told(task_group(body));
    CHECK(end == "none");
    CHECK(log.joined() == "a cancelled body cancelled canceller cancelled");
    CHECK(state_of_this_task() == "0");
}

ASYNC_TEST_CASE("task_group: cancel() while the group waits for its tasks") {
    EventLog log;
    auto body = [&log](TaskGroup& group) -> Task<> {
        group.create_task(rest(log, "a"));
        group.create_task(cancel_after(group, 1s));
        co_return;
    };
    const std::string end = co_await told(task_group(body));
    CHECK(end == "none");
    CHECK(log.joined() == "a cancelled");
    CHECK(state_of_this_task() == "0");
}

ASYNC_TEST_CASE("task_group: cancel() twice is the same as once") {
    EventLog log;
    auto body = [&log](TaskGroup& group) -> Task<> {
        group.create_task(rest(log, "a"));
        co_await sleep(0s);
        group.cancel();
        group.cancel();
        CHECK(current_task().cancelling() == 1);
        co_await rest(log, "body");
    };
    const std::string end = co_await told(task_group(body));
    CHECK(end == "none");
    CHECK(log.joined() == "a cancelled body cancelled");
}

ASYNC_TEST_CASE("task_group: cancel() as the last act of a body that does not wait any more",
                "[any_order]") {
    auto body = [](TaskGroup& group) -> Task<int> {
        group.cancel();
        co_return 5;
    };
    const int value = co_await task_group(body);
    CHECK(value == 5);
    CHECK(state_of_this_task() == "0");
    co_await sleep(1s);  // nothing is left to strike here
}

ASYNC_TEST_CASE("task_group: a body that was to give a value and was cancelled is an error",
                "[any_order]") {
    auto body = [](TaskGroup& group) -> Task<int> {
        group.cancel();
        co_await sleep(1h);
        co_return 5;
    };
    const std::string end = co_await told(task_group(body));
    CHECK(end == "TaskGroup was cancelled before its body gave a result");
    CHECK(state_of_this_task() == "0");
}

ASYNC_TEST_CASE("task_group: an error beside cancel() is not lost", "[any_order]") {
    auto stubborn_task = []() -> Task<> {
        bool cancelled = false;
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            cancelled = true;
        }
        if (cancelled) {
            throw std::runtime_error("while cleaning up");
        }
    };
    auto body = [&](TaskGroup& group) -> Task<> {
        group.create_task(stubborn_task());
        co_await sleep(1s);
        group.cancel();
        co_await sleep(1h);
    };
    const std::string end = co_await told(task_group(body));
    CHECK(end == "group(while cleaning up)");
    CHECK(state_of_this_task() == "0");
}

ASYNC_TEST_CASE("task_group: a cancellation from outside survives cancel()") {
    EventLog log;
    auto slow_body = [&log](TaskGroup& group) -> Task<> {
        group.create_task(stubborn(log, "task", 3, 0));
        co_await sleep(0s);
        group.cancel();
        co_await sleep(1h);
    };
    auto outer = [&]() -> Task<> {
        co_await task_group(slow_body);
        log("outlived it");
    };
    TaskHandle<> task = create_task(outer());
    co_await yield(4);  // the group waits for its task, which takes its time
    CHECK(task.cancel());
    const std::string end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK(log.joined().find("outlived") == std::string::npos);
}

ASYNC_TEST_CASE("task_group: cancel() in a group entered with a cancellation due hides nothing") {
    EventLog log;
    auto body = [&log](TaskGroup& group) -> Task<> {
        group.cancel();
        co_await rest(log, "body");
    };
    auto outer = [&]() -> Task<> {
        current_task().cancel();
        co_await task_group(body);
        log("outlived it");
    };
    TaskHandle<> task = create_task(outer());
    const std::string end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK(log.joined() == "body cancelled");
}

ASYNC_TEST_CASE("task_group: cancel() in a clean-up after a cancellation ends just the group") {
    EventLog log;
    auto body = [&log](TaskGroup& group) -> Task<> {
        group.create_task(cancel_after(group, 1s));
        co_await rest(log, "body");
    };
    auto outer = [&]() -> Task<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            log("cancelled");
        }
        co_await task_group(body);
        log("cleaned up " + state_of_this_task());
        co_await sleep(1s);
    };
    TaskHandle<> task = create_task(outer());
    co_await sleep(0s);
    task.cancel();
    co_await task;
    CHECK(log.joined() == "cancelled body cancelled cleaned up 1");
}

ASYNC_TEST_CASE("task_group: cancel() before it begins, and after it has ended", "[any_order]") {
    TaskGroup early;
    early.cancel();
    early.enter();
    CHECK(current_task().cancelling() == 1);
    std::exception_ptr error;
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        error = std::current_exception();
    }
    CHECK(error != nullptr);
    co_await early.leave(error);
    CHECK(current_task().cancelling() == 0);
    early.cancel();
    CHECK(current_task().cancelling() == 0);
    co_await sleep(0s);
}

ASYNC_TEST_CASE("task_group: an eager task that cancels the group is cancelled itself") {
    EventLog log;
    auto eager = [&log](TaskGroup& group) -> Task<> {
        group.cancel();
        co_await rest(log, "eager");
    };
    auto body = [&](TaskGroup& group) -> Task<> {
        group.create_task(eager(group), {.eager_start = true});
        co_await rest(log, "body");
    };
    const std::string end = co_await told(task_group(body));
    CHECK(end == "none");
    CHECK(log.joined() == "eager cancelled body cancelled");
}

ASYNC_TEST_CASE("task_group: an eager task that fails at once cancels the body at its next wait") {
    EventLog log;
    auto eager = []() -> Task<> {
        throw std::runtime_error("at once");
        co_return;
    };
    auto body = [&](TaskGroup& group) -> Task<> {
        group.create_task(eager(), {.eager_start = true});
        log("body goes on");
        co_await rest(log, "body");
    };
    const std::string end = co_await told(task_group(body));
    CHECK(end == "group(at once)");
    CHECK(log.joined() == "body goes on body cancelled");
}

ASYNC_TEST_CASE("task_group: start() gives what the task says when it is ready") {
    EventLog log;
    auto service = [&log](TaskStatus<int> status) -> Task<> {
        co_await sleep(1s);
        log("ready");
        status.started(8080);
        co_await sleep(1s);
        log("done");
    };
    auto body = [&](TaskGroup& group) -> Task<> {
        const int port = co_await group.start<int>(service);
        log("port " + std::to_string(port));
    };
    co_await task_group(body);
    CHECK(log.joined() == "ready port 8080 done");
}

ASYNC_TEST_CASE("task_group: an error before started() goes to who called start(), only",
                "[any_order]") {
    auto service = [](TaskStatus<>) -> Task<> {
        co_await sleep(1s);
        throw std::runtime_error("no port left");
    };
    auto body = [&](TaskGroup& group) -> Task<std::string> {
        co_return co_await told(group.start(service));
    };
    const std::string end = co_await task_group(body);
    CHECK(end == "no port left");
}

ASYNC_TEST_CASE("task_group: an error after started() is an error of the group", "[any_order]") {
    auto service = [](TaskStatus<> status) -> Task<> {
        status.started();
        co_await sleep(1s);
        throw std::runtime_error("later");
    };
    auto body = [&](TaskGroup& group) -> Task<> {
        co_await group.start(service);
        co_await sleep(1h);
    };
    const std::string end = co_await told(task_group(body));
    CHECK(end == "group(later)");
}

ASYNC_TEST_CASE("task_group: a task that ends without started() is an error of start()",
                "[any_order]") {
    auto silent = [](TaskStatus<>) -> Task<> { co_return; };
    auto body = [&](TaskGroup& group) -> Task<std::string> {
        co_return co_await told(group.start(silent));
    };
    const std::string end = co_await task_group(body);
    CHECK(end == "the task ended without calling started()");
}

ASYNC_TEST_CASE("task_group: started() twice is an error in the task", "[any_order]") {
    auto eager_beaver = [](TaskStatus<> status) -> Task<> {
        status.started();
        status.started();
        co_return;
    };
    auto body = [&](TaskGroup& group) -> Task<> { co_await group.start(eager_beaver); };
    const std::string end = co_await told(task_group(body));
    CHECK(end == "group(called 'started' twice on the same TaskStatus)");
}

ASYNC_TEST_CASE("task_group: start() that is cancelled ends its task and waits for it") {
    EventLog log;
    auto slow = [&log](TaskStatus<> status) -> Task<> {
        bool cancelled = false;
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            cancelled = true;
        }
        co_await sleep(1s);
        log(cancelled ? "cleaned up" : "not cancelled");
        status.started();  // too late, and no error
    };
    auto starts = [&](TaskGroup& group) -> Task<> { co_await group.start(slow); };
    auto body = [&](TaskGroup& group) -> Task<> {
        auto limited = [&group, &starts]() -> Task<> { co_await starts(group); };
        const std::string end = co_await told(timeout(1s, limited));
        log(end);
    };
    co_await task_group(body);
    CHECK(log.joined() == "cleaned up TimeoutError");
}

ASYNC_TEST_CASE("task_group: start() is refused once the group has ended", "[any_order]") {
    TaskGroup group;
    const std::string end = co_await told(group.start([](TaskStatus<>) -> Task<> { co_return; }));
    CHECK(end.find("has not been entered") != std::string::npos);
}

ASYNC_TEST_CASE("task_group: a KeyboardInterrupt comes out alone, and what it hides is told",
                "[any_order]") {
    Reports reports;
    auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(fail_after(1s, "hidden"));
        bool cancelled = false;
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            cancelled = true;
        }
        if (cancelled) {
            throw KeyboardInterrupt();
        }
    };
    const std::string end = co_await told(task_group(body));
    CHECK(end == "KeyboardInterrupt");
    REQUIRE(reports.messages().size() == 1);
    CHECK(reports.messages()[0] == "an error in a TaskGroup was superseded by a KeyboardInterrupt");
}

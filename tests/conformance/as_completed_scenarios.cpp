// as_completed: results in the order in which they come.
#include <ringio/tasks.hpp>
#include "scenario.hpp"

namespace ringio::conformance {
namespace {

Task<std::string> sleeper(std::string name, Delay delay) {
    co_await sleep(delay);
    co_return name;
}

/// A std::vector of coroutines: they cannot be copied out of a braced list.
template <class... Tasks>
auto list_of(Tasks... coroutines) {
    std::vector<std::common_type_t<Tasks...>> list;
    (list.push_back(std::move(coroutines)), ...);
    return list;
}

/// All the steps at once, as Python's list().
template <class F>
auto steps_of(AsCompleted<F> finished) {
    std::vector<typename AsCompleted<F>::Step> steps;
    for (auto& step : finished) {
        steps.push_back(step);
    }
    return steps;
}

/// The end of the next step, and when it came.
template <class Step>
Task<> log_step(Step& step) {
    const std::string end = co_await ended(step);
    log(end, now());
}

CONFORMS("as_completed.order") {
    for (auto& step :
         as_completed(list_of(sleeper("a", 100ms), sleeper("b", 150ms), sleeper("c", 50ms)))) {
        co_await log_step(step);
    }
}

CONFORMS("as_completed.as_many_as_inputs") {
    log(steps_of(as_completed(std::vector<Task<int>>())).size());
    auto steps = steps_of(as_completed(list_of(value(1), value(2), value(3))));
    log(steps.size());
    for (auto& step : steps) {
        co_await step;
    }
}

CONFORMS("as_completed.starts_at_the_call") {
    const auto work = []() -> Task<std::string> {
        log("runs");
        co_return "result";
    };
    auto steps = steps_of(as_completed(list_of(work())));
    co_await turns(2);
    log("first step");
    log(co_await steps[0]);
}

Task<std::string> fail_later() {
    co_await sleep(1s);
    throw std::invalid_argument("bad");
}

CONFORMS("as_completed.errors") {
    for (auto& step :
         as_completed(list_of(sleeper("late", 2s), fail_later(), sleeper("early", 500ms)))) {
        co_await log_step(step);
    }
}

CONFORMS("as_completed.cancelled_input") {
    Future<std::string> future = loop_promise<std::string>().get_future();
    get_running_loop().call_later(1s, [&] { future.cancel(); });
    std::vector<Future<std::string>> inputs = {future, create_task(sleeper("good", 2s))};
    for (auto& step : as_completed(inputs)) {
        co_await log_step(step);
    }
    log(current_task().cancelling());
}

CONFORMS("as_completed.with_timeout") {
    auto a = create_task(sleeper("a", 100ms));
    auto b = create_task(sleeper("b", 150ms));
    for (auto& step : as_completed(std::vector{a, b}, 120ms)) {
        co_await log_step(step);
    }
    log(b.done(), b.cancelling());
    const std::string result = co_await b;
    log(result, now());
}

CONFORMS("as_completed.with_unused_timeout") {
    for (auto& step : as_completed(list_of(sleeper("a", 500ms)), 10s)) {
        co_await log_step(step);
    }
    co_await sleep(1s);
    log(now());
}

CONFORMS("as_completed.timeout_with_several_left") {
    std::vector<TaskHandle<std::string>> tasks;
    for (const char* name : {"a", "b", "c"}) {
        tasks.push_back(create_task(sleeper(name, 10s)));
    }
    for (auto& step : as_completed(tasks, 1s)) {
        co_await log_step(step);
    }
    for (auto& task : tasks) {
        task.cancel();
    }
    co_await turns(2);
}

CONFORMS("as_completed.reverse_wait") {
    auto steps = steps_of(as_completed(list_of(sleeper("a", 50ms), sleeper("b", 100ms))));
    co_await log_step(steps[1]);
    co_await log_step(steps[0]);
}

template <class Step>
Task<> log_named_step(int number, Step step) {
    const std::string result = co_await step;
    log(number, result, now());
}

CONFORMS("as_completed.concurrent") {
    auto steps = steps_of(as_completed(list_of(sleeper("late", 100ms), sleeper("early", 50ms))));
    co_await gather(log_named_step(0, steps[0]), log_named_step(1, steps[1]));
}

CONFORMS("as_completed.duplicates") {
    auto task = create_task(value("once"s));
    std::vector<std::string> results;
    for (auto& step : as_completed(std::vector(2, task))) {
        results.push_back(co_await step);
    }
    log(results);
}

CONFORMS("as_completed.done_before") {
    std::vector<Promise<std::string>> promises;
    std::vector<Future<std::string>> futures;
    for (int i = 0; i < 3; ++i) {
        promises.push_back(loop_promise<std::string>());
        futures.push_back(promises.back().get_future());
    }
    promises[2].set_result("done before");
    get_running_loop().call_later(1s, [&] { promises[0].set_result("first"); });
    get_running_loop().call_later(2s, [&] { promises[1].set_result("second"); });
    for (auto& step : as_completed(futures)) {
        co_await log_step(step);
    }
}

CONFORMS("as_completed.cancel_the_waiter") {
    auto task = create_task(sleeper("kept", 2s));
    const auto waiter = [&]() -> Task<> {
        for (auto& step : as_completed(std::vector(1, task))) {
            co_await step;
        }
    };
    auto waiting = create_task(waiter());
    co_await sleep(1s);
    waiting.cancel();
    const std::string end = co_await ended(waiting);
    log(end, task.cancelling());
    const std::string result = co_await task;
    log(result, now());
}

CONFORMS("as_completed.stop_early") {
    const std::vector tasks = {create_task(sleeper("a", 1s)), create_task(sleeper("b", 2s))};
    for (auto& step : as_completed(tasks)) {
        log(co_await step);
        break;
    }
    log(std::vector<bool>{tasks[0].done(), tasks[1].done()});
    log(co_await tasks[1]);
}

CONFORMS("as_completed.resume_iterator") {
    auto steps = as_completed(list_of(sleeper("a", 1s), sleeper("b", 2s), sleeper("c", 3s)));
    for (auto& step : steps) {
        co_await log_step(step);
        break;
    }
    log("later");
    for (auto& step : steps) {
        co_await log_step(step);
    }
}

CONFORMS("as_completed.same_tasks_in_as_out") {
    const std::vector tasks = {create_task(sleeper("a", 2s), {.name = "a"}),
                               create_task(sleeper("b", 1s), {.name = "b"})};
    auto finished = as_completed(tasks);
    for (;;) {
        const auto task = co_await finished.next();
        if (!task) {
            break;
        }
        log(task->get_name(), task->result(), *task == tasks[0] || *task == tasks[1], now());
    }
}

CONFORMS("as_completed.later_than_done") {
    auto steps =
        steps_of(as_completed(list_of(sleeper("a", 3s), sleeper("b", 1s), sleeper("c", 2s))));
    co_await sleep(5s);
    get_running_loop().call_soon([] { log("a turn"); });
    for (auto& step : steps) {
        co_await log_step(step);
    }
    co_await sleep(0s);
}

CONFORMS("as_completed.unretrieved") {
    log_reports();
    auto steps = steps_of(as_completed(list_of(fail("lost"))));
    co_await turns(2);
    co_await sleep(1s);
    log("before");
    log(co_await ended(steps[0]));
    steps.clear();
    log("end");
}

}  // namespace
}  // namespace ringio::conformance

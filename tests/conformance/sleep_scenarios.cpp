// sleep: how long, in which order, and how it ends when it is cancelled.
#include <ringio/tasks.hpp>
#include "scenario.hpp"

#include <limits>

namespace ringio::conformance {
namespace {

CONFORMS("sleep.result") {
    log(co_await sleep(500ms, "done"s));
    log(now());
    const int result = co_await sleep(0s, 42);
    log(result, now());
    const std::string end = co_await ended(sleep(1s));
    log(end, now());
}

Task<> yield_three_times(const char* name) {
    for (int i = 0; i < 3; ++i) {
        log(name, i);
        co_await sleep(0s);
    }
}

CONFORMS("sleep.zero_yields_once") {
    auto task = create_task(yield_three_times("other"));
    co_await yield_three_times("main");
    co_await task;
    log(now());
}

CONFORMS("sleep.negative_delay") {
    auto order = create_task(turns(1));
    co_await sleep(-5s);
    log(order.done(), now());
    co_await sleep(0s);
    log(order.done(), now());
}

CONFORMS("sleep.nan") {
    try {
        co_await sleep(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN()));
    } catch (const std::invalid_argument&) {
        log("ValueError");
    }
}

CONFORMS("sleep.order_of_deadlines") {
    const auto sleeper = [](double delay) -> Task<> {
        co_await sleep(std::chrono::duration<double>(delay));
        log(delay, now());
    };
    std::vector<Task<>> sleepers;
    for (const double delay : {0.3, 0.1, 0.2, 0.05}) {
        sleepers.push_back(sleeper(delay));
    }
    co_await gather(std::move(sleepers));
}

Task<> log_cancelled_sleep() {
    try {
        co_await sleep(10s);
    } catch (const CancelledError&) {
        log("cancelled at", now());
        throw;
    }
}

CONFORMS("sleep.cancel") {
    auto task = create_task(log_cancelled_sleep());
    co_await sleep(1s);
    log(task.cancel());
    const std::string end = co_await ended(task);
    log(end, task.cancelled(), now());
    co_await sleep(1s);
    log(now());
}

CONFORMS("sleep.cancel_after_timer") {
    auto task = create_task(sleep(1s, "result"s));
    co_await sleep(0s);
    get_running_loop().call_at(EventLoop::TimePoint(1s), [&] { log("cancel", task.cancel()); });
    const std::string end = co_await ended(task);
    log(end, task.cancelled());
}

Task<> log_cancelled_yield() {
    try {
        co_await sleep(0s);
        log("not reached");
    } catch (const CancelledError&) {
        log("caught");
        throw;
    }
}

CONFORMS("sleep.cancel_zero") {
    auto task = create_task(log_cancelled_yield());
    co_await sleep(0s);
    log(task.cancel());
    log(task.cancelling());
    log(co_await ended(task));
}

}  // namespace
}  // namespace ringio::conformance

// wait: until some, or all, of several futures are done.
#include <ringio/tasks.hpp>
#include "scenario.hpp"

#include <algorithm>
#include <list>

namespace ringio::conformance {
namespace {

using Handle = TaskHandle<std::string>;
using Handles = std::vector<Handle>;

Task<std::string> sleeper(std::string name, Delay delay) {
    co_await sleep(delay);
    co_return name;
}

Handle start(const char* name, Delay delay) {
    return create_task(sleeper(name, delay), {.name = name});
}

template <class T>
std::vector<std::string> names(const std::vector<TaskHandle<T>>& tasks) {
    std::vector<std::string> all;
    for (const TaskHandle<T>& task : tasks) {
        all.push_back(task.get_name());
    }
    std::sort(all.begin(), all.end());
    return all;
}

template <class T>
void log_parts(const WaitResult<TaskHandle<T>>& parts) {
    log("done", names(parts.done), "pending", names(parts.pending), "at", now());
}

Task<> dispose(Handles tasks) {
    for (Handle& task : tasks) {
        task.cancel();
    }
    co_await turns(2);
}

constexpr WaitOptions first_completed = {.return_when = ReturnWhen::first_completed};
constexpr WaitOptions first_exception = {.return_when = ReturnWhen::first_exception};

WaitOptions limit(Delay timeout) { return {.timeout = timeout}; }

CONFORMS("wait.all_completed") {
    const Handles tasks = {start("a", 100ms), start("b", 150ms)};
    log_parts(co_await wait(tasks));
    log(std::vector<std::string>{tasks[0].result(), tasks[1].result()});
    log_parts(co_await wait(tasks));
}

CONFORMS("wait.first_completed") {
    const Handles tasks = {start("a", 10s), start("b", 100ms)};
    log_parts(co_await wait(tasks, first_completed));
    log(tasks[0].cancelled(), tasks[0].cancelling());
    co_await dispose(tasks);
}

CONFORMS("wait.really_done") {
    const std::vector<TaskHandle<>> tasks = {create_task(turns(1), {.name = "a"}),
                                             create_task(turns(2), {.name = "b"})};
    log_parts(co_await wait(tasks, first_completed));
}

CONFORMS("wait.first_exception") {
    const Handle slow = start("a", 10s);
    const Handle bad = create_task(fail<std::string>("bad"), {.name = "b"});
    const Handles both = {slow, bad};
    log_parts(co_await wait(both, first_exception));
    log(error(bad.exception()));
    co_await dispose(both);
}

Task<std::string> fail_later(Delay delay) {
    co_await sleep(delay);
    throw std::invalid_argument("bad");
}

CONFORMS("wait.first_exception_in_wait") {
    const Handles both = {start("a", 10s), create_task(fail_later(10ms), {.name = "b"})};
    log_parts(co_await wait(both, first_exception));
    co_await dispose(both);
}

CONFORMS("wait.first_exception_ignores_cancelled") {
    Handles tasks = {start("a", 10s), start("b", 1s)};
    get_running_loop().call_later(500ms, [&] { tasks[0].cancel(); });
    log_parts(co_await wait(tasks, first_exception));
}

CONFORMS("wait.first_exception_without_one") {
    const Handles tasks = {start("a", 1s), start("b", 2s)};
    log_parts(co_await wait(tasks, first_exception));
}

CONFORMS("wait.with_exception") {
    const Handles tasks = {start("a", 200ms), create_task(fail_later(150ms), {.name = "b"})};
    log_parts(co_await wait(tasks));
    log(error(tasks[1].exception()));
}

CONFORMS("wait.with_timeout") {
    const Handles tasks = {start("a", 100ms), start("b", 150ms)};
    log_parts(co_await wait(tasks, limit(110ms)));
    const std::string result = co_await tasks[1];
    log(result, now());
}

CONFORMS("wait.timeout_not_used") {
    const Handles tasks = {start("a", 1s)};
    log_parts(co_await wait(tasks, limit(100s)));
    co_await sleep(1s);
    log(now());
}

CONFORMS("wait.timeout_of_zero") {
    const Handles tasks = {create_task(value("1"s), {.name = "ready"}), start("slow", 1s)};
    log_parts(co_await wait(tasks, limit(0s)));
    co_await dispose(tasks);
}

CONFORMS("wait.concurrent_complete") {
    const Handles tasks = {start("a", 100ms), start("b", 150ms)};
    log_parts(co_await wait(tasks, limit(100ms)));
    co_await dispose(tasks);
}

CONFORMS("wait.duplicates") {
    const Handle task = create_task(value("x"s), {.name = "x"});
    log_parts(co_await wait(Handles(2, task)));
}

CONFORMS("wait.futures") {
    auto a = loop_promise<int>();
    std::vector<Future<int>> futures = {a.get_future(), loop_promise<int>().get_future()};
    get_running_loop().call_later(1s, [&] { a.set_result(1); });
    const auto parts = co_await wait(futures, first_completed);
    log(parts.done[0] == futures[0], parts.pending[0] == futures[1], parts.done.size(),
        parts.pending.size());
}

CONFORMS("wait.generator") {
    const std::list<Handle> tasks = {start("a", 1s), start("b", 2s)};
    log_parts(co_await wait(tasks));
}

CONFORMS("wait.empty") {
    try {
        co_await wait(Handles());
    } catch (...) {
        log(error_of_current());
    }
}

CONFORMS("wait.done_before") {
    const Handles tasks = {create_task(value("1"s), {.name = "a"})};
    co_await tasks[0];
    get_running_loop().call_soon([] { log("a turn"); });
    log_parts(co_await wait(tasks));
}

Task<> wait_and_forget(Handles tasks, WaitOptions options) { co_await wait(tasks, options); }

CONFORMS("wait.cancel") {
    const Handles tasks = {start("a", 1s), start("b", 2s)};
    auto waiter = create_task(wait_and_forget(tasks, {}));
    co_await sleep(500ms);
    waiter.cancel();
    const std::string end = co_await ended(waiter);
    log(end, now());
    log(std::vector<bool>{tasks[0].done(), tasks[1].done()},
        std::vector<unsigned>{tasks[0].cancelling(), tasks[1].cancelling()});
    co_await sleep(2s);
    log(std::vector<std::string>{tasks[0].result(), tasks[1].result()});
}

CONFORMS("wait.cancel_with_timeout") {
    const Handles tasks = {start("a", 10s)};
    auto waiter = create_task(wait_and_forget(tasks, limit(5s)));
    co_await sleep(1s);
    waiter.cancel();
    log(co_await ended(waiter));
    co_await sleep(1s);
    log(now());
    co_await dispose(tasks);
}

CONFORMS("wait.child_done_and_cancelled_at_once") {
    auto promise = loop_promise<std::string>();
    const auto wait_for_it = [&]() -> Task<> {
        const std::vector<Future<std::string>> futures(1, promise.get_future());
        co_await wait(futures);
    };
    auto waiter = create_task(wait_for_it());
    co_await sleep(0s);
    promise.set_result("kept");
    waiter.cancel();
    log(co_await ended(waiter));
    log(promise.get_future().result());
}

CONFORMS("wait.loop_until_all_are_done") {
    Handles pending = {start("a", 3s), start("b", 1s), start("c", 2s)};
    while (!pending.empty()) {
        auto parts = co_await wait(pending, first_completed);
        log_parts(parts);
        pending = std::move(parts.pending);
    }
}

Task<> wait_and_log(Handles tasks, WaitOptions options) {
    log_parts(co_await wait(tasks, options));
}

CONFORMS("wait.several_waits") {
    const Handles tasks = {start("a", 1s), start("b", 2s)};
    co_await gather(wait_and_log(tasks, {}), wait_and_log(tasks, first_completed));
}

}  // namespace
}  // namespace ringio::conformance

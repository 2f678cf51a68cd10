#include <ringio/tasks/as_completed.hpp>

#include <support/ends.hpp>

#include "scenario.hpp"

#include <algorithm>
#include <optional>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

template <class F>
std::vector<NextCompleted<typename F::value_type>> all_steps(AsCompleted<F> completed) {
    std::vector<NextCompleted<typename F::value_type>> steps;
    for (auto& step : completed) {
        steps.push_back(step);
    }
    return steps;
}

/// The index among `handles` of what next() gives, "end", or the name of what it throws.
template <class F>
Task<std::string> index_of_next(AsCompleted<F>& completed, const std::vector<F>& handles) {
    std::optional<F> next;
    try {
        next = co_await completed.next();
    } catch (...) {
        co_return name_of(std::current_exception());
    }
    if (!next) {
        co_return "end";
    }
    const auto at = std::find(handles.begin(), handles.end(), *next);
    co_return at == handles.end() ? "stranger" : std::to_string(at - handles.begin());
}

}  // namespace

ASYNC_TEST_CASE("as_completed: results come in the order in which the tasks end") {
    EventLog log;
    std::vector<Task<int>> tasks;
    tasks.push_back(give_after(3s, 3));
    tasks.push_back(give_after(1s, 1));
    tasks.push_back(give_after(2s, 2));
    for (auto& next : as_completed(std::move(tasks))) {
        const int value = co_await next;
        log(std::to_string(value));
    }
    CHECK(log.joined() == "1 2 3");
    CHECK(get_running_loop().time().time_since_epoch() == 3s);
}

ASYNC_TEST_CASE("as_completed: takes tasks and futures, and leaves them to their owners",
                "[any_order]") {
    auto a = create_task(give_after(2s, 1));
    auto b = create_task(give_after(1s, 2));
    auto steps = all_steps(as_completed(std::vector{a, b}));
    CHECK(steps.size() == 2);
    const int first = co_await steps[0];
    const int second = co_await steps[1];
    CHECK(first == 2);
    CHECK(second == 1);
    CHECK(a.result() == 1);
    Promise<int> promise = get_running_loop().create_future<int>();
    promise.set_result(7);
    for (auto& next : as_completed(std::vector{promise.get_future()})) {
        const int value = co_await next;
        CHECK(value == 7);
    }
}

ASYNC_TEST_CASE("as_completed: of nothing has no steps", "[any_order]") {
    auto nothing = as_completed(std::vector<Task<int>>{});
    CHECK(nothing.empty());
    CHECK(nothing.begin() == nothing.end());
    const auto next = co_await nothing.next();
    CHECK_FALSE(next);
    CHECK(as_completed(std::vector<TaskHandle<int>>{}, 0s).empty());
}

ASYNC_TEST_CASE("as_completed: one that is given twice counts once", "[any_order]") {
    auto task = create_task(give_after(1s, 1));
    auto steps = all_steps(as_completed(std::vector{task, task}));
    CHECK(steps.size() == 1);
    const int value = co_await steps.front();
    CHECK(value == 1);
}

ASYNC_TEST_CASE("as_completed: a step throws what its awaitable threw") {
    EventLog log;
    std::vector<Task<int>> tasks;
    tasks.push_back(give_after(2s, 2));
    tasks.push_back(fail_after(1s, "bad"));
    for (auto& next : as_completed(std::move(tasks))) {
        const std::string end = co_await told(next);
        log(end);
    }
    CHECK(log.joined() == "bad 2");
}

ASYNC_TEST_CASE("as_completed: a cancelled one gives CancelledError to its step", "[any_order]") {
    auto a = create_task(give_after(2s, 2));
    a.cancel();
    auto steps = all_steps(as_completed(std::vector{a}));
    const std::string end = co_await told(steps.front());
    CHECK(end == "CancelledError");
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("as_completed: after the limit each remaining step throws TimeoutError") {
    EventLog log;
    auto slow = create_task(give_after(10s, 10));
    auto slower = create_task(give_after(20s, 20));
    auto quick = create_task(give_after(1s, 1));
    for (auto& next : as_completed(std::vector{slow, quick, slower}, 5s)) {
        const std::string end = co_await told(next);
        log(end);
    }
    CHECK(log.joined() == "1 TimeoutError TimeoutError");
    CHECK(get_running_loop().time().time_since_epoch() == 5s);
    CHECK_FALSE(slow.done());
    CHECK(slow.cancelling() == 0);
    co_await slow;
    co_await slower;
}

ASYNC_TEST_CASE("as_completed: those done before the limit are given after it too", "[any_order]") {
    auto quick = create_task(give_after(1s, 1));
    auto slow = create_task(give_after(10s, 10));
    auto steps = all_steps(as_completed(std::vector{slow, quick}, 5s));
    co_await sleep(6s);
    const std::string first = co_await told(steps[0]);
    const std::string second = co_await told(steps[1]);
    CHECK(first == "1");
    CHECK(second == "TimeoutError");
}

ASYNC_TEST_CASE("as_completed: a limit that is not needed leaves no timer behind", "[any_order]") {
    auto quick = create_task(give_after(1s, 1));
    for (auto& next : as_completed(std::vector{quick}, 1h)) {
        const int value = co_await next;
        CHECK(value == 1);
    }
    CHECK(get_running_loop().statistics().timers == 0);
}

ASYNC_TEST_CASE("as_completed: steps may be awaited in any order and at the same time") {
    std::vector<Task<int>> tasks;
    tasks.push_back(give_after(2s, 2));
    tasks.push_back(give_after(1s, 1));
    auto steps = all_steps(as_completed(std::move(tasks)));
    const int first = co_await steps[1];
    const int second = co_await steps[0];
    CHECK(first == 1);
    CHECK(second == 2);

    auto a = create_task(give_after(2s, 2));
    auto b = create_task(give_after(1s, 1));
    auto both = all_steps(as_completed(std::vector{a, b}));
    auto [x, y] = co_await gather(told(both[0]), told(both[1]));
    CHECK(x == "1");
    CHECK(y == "2");
}

ASYNC_TEST_CASE("as_completed: may be left in the middle and gone on with", "[any_order]") {
    std::vector<Task<int>> tasks;
    for (int i = 1; i <= 4; ++i) {
        tasks.push_back(give_after(std::chrono::seconds(i), i));
    }
    auto steps = all_steps(as_completed(std::move(tasks)));
    int sum = 0;
    for (std::size_t i = 0; i < 2; ++i) {
        const int value = co_await steps[i];
        sum += value;
    }
    CHECK(sum == 3);
    co_await sleep(10s);
    const int third = co_await steps[2];
    CHECK(third == 3);
}

ASYNC_TEST_CASE("as_completed: cancelling a step hands its wake-up to the next one",
                "[any_order]") {
    Promise<int> promise = get_running_loop().create_future<int>();
    Promise<int> never = get_running_loop().create_future<int>();
    auto steps = all_steps(as_completed(std::vector{promise.get_future(), never.get_future()}));
    auto first = create_task(told(steps[0]));
    auto second = create_task(told(steps[1]));
    co_await sleep(0s);
    promise.set_result(5);
    co_await sleep(0s);  // the first one is woken, but has not run
    first.cancel();
    const std::string lost = co_await first;
    const std::string won = co_await second;
    CHECK(lost == "CancelledError");
    CHECK(won == "5");
    never.set_result(0);
    co_await sleep(0s);
}

ASYNC_TEST_CASE("as_completed: cancelling a step leaves the awaitables alone") {
    auto task = create_task(give_after(5s, 1));
    auto steps = all_steps(as_completed(std::vector{task}));
    auto waiter = create_task(told(steps[0]));
    co_await sleep(0s);
    waiter.cancel();
    waiter.cancel();
    const std::string end = co_await waiter;
    CHECK(end == "CancelledError");
    const int value = co_await steps[0];
    CHECK(value == 1);
}

ASYNC_TEST_CASE("as_completed: over a future that nobody sets is not leaked", "[any_order]") {
    Promise<int> never = get_running_loop().create_future<int>();
    {
        const auto steps = all_steps(as_completed(std::vector{never.get_future()}));
        CHECK(steps.size() == 1);
    }
    co_await sleep(0s);
}

ASYNC_TEST_CASE("as_completed: two hops after the end, and none when one waits already") {
    EventLog log;
    auto b = create_task(work(log, "b", 2));
    auto a = create_task(work(log, "a", 1));
    auto ticks = create_task(tick(log, 8));
    for (auto& next : as_completed(std::vector{b, a})) {
        const std::string name = co_await next;
        log("got " + name);
    }
    co_await ticks;
    CHECK(log.joined() == "b+ a+ 1 a- 2 b- 3 got a got b 4 5 6 7 8");
}

ASYNC_TEST_CASE("as_completed: hops of one that is done, and of a limit of zero") {
    EventLog log;
    Promise<std::string> promise = get_running_loop().create_future<std::string>();
    auto ticks = create_task(tick(log, 5));
    auto steps = all_steps(as_completed(std::vector{promise.get_future()}));
    promise.set_result("f");
    for (auto& next : steps) {
        const std::string name = co_await next;
        log("got " + name);
    }
    co_await ticks;
    CHECK(log.joined() == "1 2 got f 3 4 5");

    log.clear();
    auto slow = create_task(give_after(10s, 1));
    ticks = create_task(tick(log, 5));
    auto limited = all_steps(as_completed(std::vector{slow}, 0s));
    const std::string end = co_await told(limited.front());
    log("timeout");
    co_await ticks;
    CHECK(log.joined() == "1 2 timeout 3 4 5");
    CHECK(end == "TimeoutError");
    co_await slow;
}

ASYNC_TEST_CASE("as_completed: next() gives the handles themselves, in the order of the ends") {
    EventLog log;
    const std::vector tasks{create_task(give_after(3s, 3)), create_task(fail_after(1s, "bad")),
                            create_task(give_after(2s, 2))};
    auto finished = as_completed(tasks);
    CHECK(finished.size() == 3);
    std::string which;
    while (which != "end") {
        which = co_await index_of_next(finished, tasks);
        log(which);
    }
    CHECK(log.joined() == "1 2 0 end");
    CHECK_AWAIT(index_of_next(finished, tasks), "end");
    CHECK(name_of(tasks[1].exception()) == "bad");
    CHECK(get_running_loop().time().time_since_epoch() == 3s);
}

ASYNC_TEST_CASE("as_completed: next() gives tasks made of coroutines, and futures of all kinds") {
    std::vector<Task<int>> coroutines;
    coroutines.push_back(give_after(1s, 7));
    auto finished = as_completed(std::move(coroutines));
    std::optional<TaskHandle<int>> task = co_await finished.next();
    CHECK(task->result() == 7);
    CHECK_FALSE(task->get_name().empty());

    Promise<> promise = get_running_loop().create_future<void>();
    const std::vector futures{promise.get_future()};
    auto plain = as_completed(futures);
    promise.set_result();
    std::optional<Future<>> future = co_await plain.next();
    CHECK(*future == futures[0]);

    const std::vector<AnyFuture> any{promise.get_future(), *task};
    auto both = as_completed(any);
    CHECK_AWAIT(index_of_next(both, any), "0");
    CHECK_AWAIT(index_of_next(both, any), "1");
}

ASYNC_TEST_CASE("as_completed: next() throws TimeoutError for each that is left at the limit") {
    EventLog log;
    const std::vector tasks{create_task(give_after(10s, 1)), create_task(give_after(1s, 2)),
                            create_task(give_after(20s, 3))};
    auto finished = as_completed(tasks, 5s);
    for (int turn = 0; turn < 4; ++turn) {
        const std::string which = co_await index_of_next(finished, tasks);
        log(which);
    }
    CHECK(log.joined() == "1 TimeoutError TimeoutError end");
    CHECK(get_running_loop().time().time_since_epoch() == 5s);
    co_await gather(list_of(tasks[0], tasks[2]));
}

ASYNC_TEST_CASE("as_completed: steps and next() may be mixed; a loop goes on with what is left") {
    EventLog log;
    std::vector<TaskHandle<int>> tasks;
    for (int i = 0; i < 5; ++i) {
        tasks.push_back(create_task(give_after(std::chrono::seconds(i), i)));
    }
    auto finished = as_completed(tasks);
    for (auto& step : finished) {
        const int value = co_await step;
        log(std::to_string(value));
        break;
    }
    CHECK_AWAIT(index_of_next(finished, tasks), "1");
    for (auto& step : finished) {
        const int value = co_await step;
        log(std::to_string(value));
        if (value == 3) {
            break;
        }
    }
    CHECK_AWAIT(index_of_next(finished, tasks), "4");
    CHECK_AWAIT(index_of_next(finished, tasks), "end");
    CHECK(finished.begin() == finished.end());
    CHECK(log.joined() == "0 2 3");
}

ASYNC_TEST_CASE("as_completed: a cancelled next() takes none") {
    const std::vector tasks{create_task(give_after(1s, 1))};
    auto finished = as_completed(tasks);
    auto waiting = create_task(index_of_next(finished, tasks));
    co_await sleep(0s);
    CHECK_AWAIT(index_of_next(finished, tasks), "end");  // the other one has claimed it
    waiting.cancel();
    CHECK_AWAIT(told(waiting), "CancelledError");
    CHECK_AWAIT(index_of_next(finished, tasks), "0");
    CHECK_AWAIT(index_of_next(finished, tasks), "end");
}

ASYNC_TEST_CASE("as_completed: inputs that are done already come first, in the order given") {
    std::vector<Promise<int>> promises;
    std::vector<Future<int>> futures;
    for (int i = 0; i < 4; ++i) {
        promises.push_back(get_running_loop().create_future<int>());
        futures.push_back(promises.back().get_future());
    }
    for (const std::size_t index : {3u, 0u, 1u}) {
        promises[index].set_result(static_cast<int>(index));
    }
    get_running_loop().call_later(1s, [&] { promises[2].set_result(2); });
    std::vector<int> order;
    for (auto& step : as_completed(futures)) {
        order.push_back(co_await step);
    }
    CHECK(order == std::vector<int>{0, 1, 3, 2});
}

#include <ringio/tasks/as_completed.hpp>

#include "scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

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

ASYNC_TEST_CASE("as_completed: takes tasks and futures, and leaves them to their owners") {
    auto a = create_task(give_after(2s, 1));
    auto b = create_task(give_after(1s, 2));
    auto steps = as_completed(std::vector{a, b});
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

ASYNC_TEST_CASE("as_completed: of nothing has no steps") {
    CHECK(as_completed(std::vector<Task<int>>{}).empty());
    CHECK(as_completed(std::vector<TaskHandle<int>>{}, 0s).empty());
    co_return;
}

ASYNC_TEST_CASE("as_completed: one that is given twice counts once") {
    auto task = create_task(give_after(1s, 1));
    auto steps = as_completed(std::vector{task, task});
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

ASYNC_TEST_CASE("as_completed: a cancelled one gives CancelledError to its step") {
    auto a = create_task(give_after(2s, 2));
    a.cancel();
    auto steps = as_completed(std::vector{a});
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

ASYNC_TEST_CASE("as_completed: those done before the limit are given after it too") {
    auto quick = create_task(give_after(1s, 1));
    auto slow = create_task(give_after(10s, 10));
    auto steps = as_completed(std::vector{slow, quick}, 5s);
    co_await sleep(6s);
    const std::string first = co_await told(steps[0]);
    const std::string second = co_await told(steps[1]);
    CHECK(first == "1");
    CHECK(second == "TimeoutError");
}

ASYNC_TEST_CASE("as_completed: a limit that is not needed leaves no timer behind") {
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
    auto steps = as_completed(std::move(tasks));
    const int first = co_await steps[1];
    const int second = co_await steps[0];
    CHECK(first == 1);
    CHECK(second == 2);

    auto a = create_task(give_after(2s, 2));
    auto b = create_task(give_after(1s, 1));
    auto both = as_completed(std::vector{a, b});
    auto [x, y] = co_await gather(told(both[0]), told(both[1]));
    CHECK(x == "1");
    CHECK(y == "2");
}

ASYNC_TEST_CASE("as_completed: may be left in the middle and gone on with") {
    std::vector<Task<int>> tasks;
    for (int i = 1; i <= 4; ++i) {
        tasks.push_back(give_after(std::chrono::seconds(i), i));
    }
    auto steps = as_completed(std::move(tasks));
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

ASYNC_TEST_CASE("as_completed: cancelling a step hands its wake-up to the next one") {
    Promise<int> promise = get_running_loop().create_future<int>();
    Promise<int> never = get_running_loop().create_future<int>();
    auto steps = as_completed(std::vector{promise.get_future(), never.get_future()});
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
    auto steps = as_completed(std::vector{task});
    auto waiter = create_task(told(steps[0]));
    co_await sleep(0s);
    waiter.cancel();
    waiter.cancel();
    const std::string end = co_await waiter;
    CHECK(end == "CancelledError");
    const int value = co_await steps[0];
    CHECK(value == 1);
}

ASYNC_TEST_CASE("as_completed: over a future that nobody sets is not leaked") {
    Promise<int> never = get_running_loop().create_future<int>();
    {
        const auto steps = as_completed(std::vector{never.get_future()});
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
    auto steps = as_completed(std::vector{promise.get_future()});
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
    auto limited = as_completed(std::vector{slow}, 0s);
    const std::string end = co_await told(limited.front());
    log("timeout");
    co_await ticks;
    CHECK(log.joined() == "1 2 timeout 3 4 5");
    CHECK(end == "TimeoutError");
    co_await slow;
}

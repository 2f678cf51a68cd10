#include <ringio/tasks/sleep.hpp>

#include "scenario.hpp"

#include <limits>
#include <memory>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

ASYNC_TEST_CASE("sleep: takes as long as it says, on the loop's clock", "[any_order]") {
    const auto begin = get_running_loop().time();
    co_await sleep(1500ms);
    CHECK(get_running_loop().time() - begin == 1500ms);
    co_await sleep(24h);
    CHECK(get_running_loop().time() - begin == 24h + 1500ms);
}

ASYNC_TEST_CASE("sleep: gives its result", "[any_order]") {
    const int number = co_await sleep(1s, 5);
    CHECK(number == 5);
    const std::string text = co_await sleep(0s, "yeah");
    CHECK(text == "yeah");
    auto owner = co_await sleep(1s, std::make_unique<int>(7));
    CHECK(*owner == 7);
}

ASYNC_TEST_CASE("sleep: of zero lets every other ready task run once") {
    EventLog log;
    auto counting = [](EventLog& into, std::string name) -> Task<> {
        for (int i = 0; i < 10; ++i) {
            if (i % 5 == 0) {
                co_await sleep(0s);
            }
            into(name + std::to_string(i));
        }
    };
    co_await gather(counting(log, "a"), counting(log, "b"));
    CHECK(log.joined() == "a0 a1 a2 a3 a4 b0 b1 b2 b3 b4 a5 a6 a7 a8 a9 b5 b6 b7 b8 b9");
}

ASYNC_TEST_CASE("sleep: a negative delay is as zero, and takes no time") {
    EventLog log;
    auto ticks = create_task(tick(log, 2));
    co_await sleep(-5s);
    log("slept");
    co_await ticks;
    CHECK(log.joined() == "1 slept 2");
    CHECK(get_running_loop().time().time_since_epoch() == 0s);
}

ASYNC_TEST_CASE("sleep: refuses a delay that is not a number") {
    const std::chrono::duration<double> nan(std::numeric_limits<double>::quiet_NaN());
    CHECK_THROWS_AS(sleep(nan), std::invalid_argument);
    CHECK_THROWS_AS(sleep(nan, 1), std::invalid_argument);
    co_return;
}

ASYNC_TEST_CASE("sleep: cancelling ends it at once and takes the timer away", "[any_order]") {
    auto task = create_task(sleep(1h, 5));
    co_await sleep(1s);
    CHECK(get_running_loop().statistics().timers == 1);
    task.cancel();
    CHECK(get_running_loop().statistics().timers == 0);
    const auto end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK(get_running_loop().time().time_since_epoch() == 1s);
}

ASYNC_TEST_CASE("sleep: of zero can be cancelled too") {
    EventLog log;
    auto task = create_task(work(log, "a", 1));
    co_await sleep(0s);
    CHECK(log.joined() == "a+");
    task.cancel();
    const auto end = co_await told(task);
    CHECK(end == "CancelledError");
    CHECK(log.joined() == "a+");
}

ASYNC_TEST_CASE("sleep: a task that cancelled itself before is cancelled in it", "[any_order]") {
    for (const Delay delay : {Delay(0s), Delay(1h)}) {
        current_task().cancel();
        const auto end = co_await told(sleep(delay));
        CHECK(end == "CancelledError");
        current_task().uncancel();
    }
    CHECK(get_running_loop().statistics().timers == 0);
    co_await sleep(0s);
}

ASYNC_TEST_CASE("sleep: cancelled in the turn in which it is over, the cancellation wins",
                "[any_order]") {
    for (const int again : {0, 1}) {
        auto task = create_task(told(sleep(1s)));
        co_await sleep(0s);
        // The later timer runs in the same turn, when the sleeper is queued but has not resumed.
        get_running_loop().call_later(1s, [task, again]() mutable {
            for (int i = 0; i <= again; ++i) {
                task.cancel();
            }
        });
        const std::string end = co_await task;
        CHECK(end == "CancelledError");
    }
}

ASYNC_TEST_CASE("sleep: cancelled just before its timer runs in the same turn", "[any_order]") {
    TaskHandle<std::string> task;
    get_running_loop().call_later(1s, [&task] { task.cancel(); });
    task = create_task(told(sleep(Delay(1s))));
    const std::string end = co_await task;
    CHECK(end == "CancelledError");
}

ASYNC_TEST_CASE("sleep: equal deadlines end in the order of creation") {
    EventLog log;
    auto sleeper = [](EventLog& into, std::string name, Delay delay) -> Task<> {
        co_await sleep(delay);
        into(name);
    };
    auto all = gather(sleeper(log, "a", 2s), sleeper(log, "b", 1s), sleeper(log, "c", 2s),
                      sleeper(log, "d", 1s), sleeper(log, "e", 0s));
    co_await all;
    CHECK(log.joined() == "e b d a c");
}

ASYNC_TEST_CASE("sleep: resumes one hop after its timer") {
    EventLog log;
    EventLoop& loop = get_running_loop();
    loop.call_later(1s, [&] {
        log("timer");
        loop.call_soon([&] { log("soon"); });
    });
    co_await sleep(1s);
    log("slept");
    CHECK(log.joined() == "timer soon slept");
}

ASYNC_TEST_CASE("sleep: a practically endless one can be cancelled", "[any_order]") {
    auto task = create_task(sleep(std::chrono::hours::max()));
    co_await sleep(1s);
    task.cancel();
    const auto end = co_await told(task);
    CHECK(end == "CancelledError");
}

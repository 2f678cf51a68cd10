#include <ringio/core/timers.hpp>

#include <chrono>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include <ringio/core.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::EventLog;

ASYNC_TEST_CASE("timers: fire in the order of their deadlines, equal ones in that of creation") {
    EventLoop& loop = get_running_loop();
    EventLog log;
    loop.call_later(3s, [&] { log("3"); });
    for (const char* name : {"2a", "2b", "2c", "2d"}) {
        loop.call_later(2s, [&log, name] { log(name); });
    }
    loop.call_at(loop.time() + 1s, [&] { log("1"); });
    co_await sleep(4s);
    CHECK(log.joined() == "1 2a 2b 2c 2d 3");
}

ASYNC_TEST_CASE("timers: virtual time starts at 0 and jumps to the next deadline") {
    EventLoop& loop = get_running_loop();
    CHECK(loop.time() == EventLoop::TimePoint{});
    co_await sleep(100h);
    CHECK(loop.time() == EventLoop::TimePoint{} + 100h);
    co_await sleep(0s);
    CHECK(loop.time() == EventLoop::TimePoint{} + 100h);
}

ASYNC_TEST_CASE("timers: a cancelled one does not fire and lets go of its callback at once") {
    EventLoop& loop = get_running_loop();
    const std::size_t before = loop.statistics().timers;
    auto held = std::make_shared<int>(1);
    EventLog log;
    TimerHandle timer = loop.call_later(1s, [&log, held] { log("fired"); });
    CHECK(timer.when() == loop.time() + 1s);
    CHECK_FALSE(timer.cancelled());
    CHECK(loop.statistics().timers == before + 1);
    timer.cancel();
    timer.cancel();
    CHECK(timer.cancelled());
    CHECK(held.use_count() == 1);
    CHECK(loop.statistics().timers == before);
    co_await sleep(2s);
    CHECK(log.joined().empty());
}

ASYNC_TEST_CASE("timers: one cancels another of the same turn") {
    EventLoop& loop = get_running_loop();
    EventLog log;
    TimerHandle second;
    loop.call_later(1s, [&] {
        log("first");
        second.cancel();
    });
    second = loop.call_later(1s, [&] { log("second"); });
    co_await sleep(2s);
    CHECK(log.joined() == "first");
}

ASYNC_TEST_CASE("timers: a callback may cancel itself and arm another one") {
    EventLoop& loop = get_running_loop();
    EventLog log;
    TimerHandle timer;
    timer = loop.call_later(1s, [&] {
        timer.cancel();
        loop.call_later(1s, [&] { log("again"); });
    });
    co_await sleep(5s);
    CHECK(log.joined() == "again");
}

ASYNC_TEST_CASE("timers: a negative delay, and one in the far past, fire in the next turn") {
    EventLoop& loop = get_running_loop();
    EventLog log;
    loop.call_later(-1h, [&] { log("negative"); });
    loop.call_later(std::chrono::hours::min(), [&] { log("past"); });
    loop.call_at(EventLoop::TimePoint::min(), [&] { log("first of all"); });
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK(log.joined() == "past first of all negative");
}

TEST_CASE("timers: a deadline in the far past is due in real time as well") {
    EventLoop loop;
    EventLog log;
    loop.call_later(std::chrono::hours::min(), [&] { log("later"); });
    loop.call_at(EventLoop::TimePoint::min(), [&] {
        log("at");
        loop.stop();
    });
    loop.run_forever();
    CHECK(log.joined().find("at") != std::string::npos);
}

TEST_CASE("timers: a huge delay saturates and the loop can be woken all the same") {
    EventLoop loop;
    TimerHandle hours = loop.call_later(std::chrono::hours::max(), [] {});
    TimerHandle infinite = loop.call_later(
        std::chrono::duration<double>(std::numeric_limits<double>::infinity()), [] {});
    CHECK(hours.when() == EventLoop::TimePoint::max());
    CHECK(infinite.when() == EventLoop::TimePoint::max());
    std::thread poster([&] { loop.call_soon_threadsafe([&] { loop.stop(); }); });
    loop.run_forever();
    poster.join();
    CHECK(loop.statistics().timers == 2);
}

TEST_CASE("timers: NaN and a null callback are refused") {
    EventLoop loop;
    const std::chrono::duration<double> nan(std::numeric_limits<double>::quiet_NaN());
    CHECK_THROWS_AS(loop.call_later(nan, [] {}), std::invalid_argument);
    CHECK_THROWS_AS(loop.call_later(1s, nullptr), std::invalid_argument);
    CHECK_THROWS_AS(loop.call_at({}, nullptr), std::invalid_argument);
    CHECK(loop.statistics().timers == 0);
}

TEST_CASE("timers: arguments are copied and handed to the function") {
    EventLoop loop({.virtual_time = true});
    EventLog log;
    std::string text = "copied";
    loop.call_later(1s, [&](const std::string& a, int b) { log(a + std::to_string(b)); }, text, 7);
    loop.call_at(loop.time() + 2s, [&](int) { loop.stop(); }, 0);
    text = "changed";
    loop.run_forever();
    CHECK(log.joined() == "copied7");
}

TEST_CASE("timers: a handle of nothing does nothing") {
    TimerHandle none;
    none.cancel();
    CHECK_FALSE(none.cancelled());
    CHECK(none.when() == EventLoop::TimePoint{});
}

TEST_CASE("timers: a handle outlives its loop") {
    TimerHandle timer;
    {
        EventLoop loop;
        timer = loop.call_later(1h, [] {});
    }
    timer.cancel();
    CHECK(timer.cancelled());
}

ASYNC_TEST_CASE("timers: ten thousand, cancelled in any order, leave nothing") {
    EventLoop& loop = get_running_loop();
    const std::size_t before = loop.statistics().timers;
    std::vector<TimerHandle> timers;
    int fired = 0;
    for (int i = 0; i < 10'000; ++i) {
        timers.push_back(
            loop.call_later(std::chrono::milliseconds(i * 7919 % 10'007), [&] { ++fired; }));
    }
    for (std::size_t i = 0; i < timers.size(); ++i) {
        if (i % 10 != 0) {
            timers[i].cancel();
        }
    }
    CHECK(loop.statistics().timers == before + 1'000);
    co_await sleep(20s);
    CHECK(fired == 1'000);
    CHECK(loop.statistics().timers == before);
}

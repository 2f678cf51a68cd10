// What leaves a loop besides results: reports of errors, interrupts, and deadlocks.
#include <ringio/core/event_loop.hpp>

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <ringio/core.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::EventLog;

namespace {

void schedule_failure(EventLoop& loop) {
    loop.call_soon([] { throw std::runtime_error("boom"); });
}

Task<> wait_for_ever(Future<> future) { co_await future; }

}  // namespace

TEST_CASE("event loop: what a callback throws is reported, and the loop goes on") {
    EventLoop loop;
    Reports reports(loop);
    EventLog log;
    schedule_failure(loop);
    loop.call_soon([&] { log("next"); });
    run_one_turn(loop);
    CHECK(log.joined() == "next");
    const std::string report = reports.only();
    CHECK(report.find("Exception in callback schedule_failure() at event_loop_reports_test.cpp:") ==
          0);
    CHECK(report.find(" | handle: <Handle schedule_failure() at ") != std::string::npos);
    CHECK(report.find(" | std::runtime_error: boom") != std::string::npos);
}

TEST_CASE("event loop: what a timer's callback throws is reported") {
    EventLoop loop({.virtual_time = true});
    Reports reports(loop);
    loop.call_later(1h, [] { throw std::logic_error("late"); });
    loop.call_later(2h, [&] { loop.stop(); });
    loop.run_forever();
    CHECK(reports.only().find("Exception in callback ") == 0);
}

TEST_CASE("event loop: without a handler the report goes to standard error") {
    EventLoop loop;
    schedule_failure(loop);
    const std::string text = printed([&] { run_one_turn(loop); });
    CHECK(text.find("Exception in callback schedule_failure() at ") == 0);
    CHECK(text.find("\nhandle: <Handle ") != std::string::npos);
    CHECK(text.find("\nstd::runtime_error: boom\n") != std::string::npos);
}

TEST_CASE("event loop: an exception handler that throws is reported itself") {
    EventLoop loop;
    loop.set_exception_handler(
        [](EventLoop&, const ExceptionContext&) { throw std::logic_error("handler broke"); });
    CHECK(loop.get_exception_handler());
    schedule_failure(loop);
    EventLog log;
    loop.call_soon([&] { log("next"); });
    const std::string text = printed([&] { run_one_turn(loop); });
    CHECK(text.find("Unhandled error in exception handler") == 0);
    CHECK(text.find("handler broke") != std::string::npos);
    CHECK(log.joined() == "next");
    loop.set_exception_handler({});
    CHECK_FALSE(loop.get_exception_handler());
}

TEST_CASE("event loop: KeyboardInterrupt leaves run_forever, and what was ready runs later") {
    EventLoop loop;
    Reports reports(loop);
    EventLog log;
    loop.call_soon([&] {
        log("first");
        loop.call_soon([&] { log("third"); });
        throw KeyboardInterrupt();
    });
    loop.call_soon([&] { log("second"); });
    CHECK_THROWS_AS(loop.run_forever(), KeyboardInterrupt);
    CHECK(log.joined() == "first");
    CHECK_FALSE(loop.is_running());
    run_one_turn(loop);
    CHECK(log.joined() == "first second third");
    CHECK(reports.seen.empty());
}

TEST_CASE("event loop: KeyboardInterrupt in a task is its exception and leaves the loop") {
    EventLoop loop;
    Reports reports(loop);
    auto interrupts = []() -> Task<int> {
        co_await sleep(0s);
        throw KeyboardInterrupt();
    };
    TaskHandle<int> task = loop.create_task(interrupts());
    CHECK_THROWS_AS(loop.run_forever(), KeyboardInterrupt);
    CHECK(task.done());
    CHECK_THROWS_AS(task.result(), KeyboardInterrupt);
    CHECK(reports.seen.empty());
}

TEST_CASE("event loop: KeyboardInterrupt in a done callback leaves the loop") {
    EventLoop loop;
    Promise<> promise = loop.create_future();
    promise.set_result();
    promise.get_future().add_done_callback([] { throw KeyboardInterrupt(); });
    CHECK_THROWS_AS(loop.run_forever(), KeyboardInterrupt);
}

TEST_CASE("event loop: a deadlock in virtual time is an error that names who waits") {
    EventLoop loop({.virtual_time = true});
    Promise<> never = loop.create_future();
    TaskHandle<> task =
        loop.create_task(wait_for_ever(never.get_future()), {.name = "the patient one"});
    const std::string text =
        thrown<DeadlockError>([&] { loop.run_until_complete(TaskHandle<>(task)); });
    CHECK(
        text.starts_with("deadlock: nothing can ever wake this event loop; these tasks wait:\n"
                         "  * Task 'the patient one' waits for a future made by "));
    CHECK(text.find("\n    | in wait_for_ever() at event_loop_reports_test.cpp:") !=
          std::string::npos);
    task.cancel();
    CHECK_THROWS_AS(loop.run_until_complete(task), CancelledError);
}

TEST_CASE("event loop: debug mode finds a deadlock in real time") {
    EventLoop loop({.debug = true});
    CHECK(loop.get_debug());
    Promise<> never = loop.create_future();
    CHECK_THROWS_AS(loop.run_until_complete(never.get_future()), DeadlockError);
}

TEST_CASE("event loop: who expects to be woken by a thread is in no deadlock") {
    EventLoop loop({.debug = true});
    Promise<> promise = loop.create_future();
    std::shared_ptr<void> expected = loop.expect_wakeup();
    std::thread poster([&loop, &promise, expected = std::move(expected)]() mutable {
        loop.call_soon_threadsafe([&promise] { promise.set_result(); });
        expected.reset();
    });
    loop.run_until_complete(promise.get_future());
    poster.join();
}

TEST_CASE("event loop: debug mode refuses the loop of another thread") {
    EventLoop loop({.debug = true});
    std::string refused;
    auto expected = loop.expect_wakeup();
    loop.call_soon([&] {
        std::thread([&] {
            refused = thrown<std::runtime_error>([&] { loop.call_soon([] {}); });
        }).join();
        loop.stop();
    });
    loop.run_forever();
    CHECK(refused ==
          "Non-thread-safe operation invoked on an event loop other than the current one");
}

TEST_CASE("event loop: RINGIO_DEBUG decides where the options do not") {
    const char* const before = std::getenv("RINGIO_DEBUG");
    const std::string saved = before != nullptr ? before : "";
    ::setenv("RINGIO_DEBUG", "1", 1);
    CHECK(EventLoop().get_debug());
    CHECK_FALSE(EventLoop({.debug = false}).get_debug());
    ::setenv("RINGIO_DEBUG", "0", 1);
    CHECK_FALSE(EventLoop().get_debug());
    ::unsetenv("RINGIO_DEBUG");
    CHECK_FALSE(EventLoop().get_debug());
    if (before != nullptr) {
        ::setenv("RINGIO_DEBUG", saved.c_str(), 1);
    }
}

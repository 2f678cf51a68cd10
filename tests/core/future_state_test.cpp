#include <ringio/core/future_state.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <ringio/core.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using ringio::testing::EventLog;

namespace {

void add_callbacks(Future<>& future, int count) {
    while (count-- > 0) {
        future.add_done_callback([] {});
    }
}

/// What a loop reports when a future with an exception is dropped after `look` has seen it.
template <class Look>
std::vector<ExceptionContext> reports_after(Look look) {
    EventLoop loop;
    Reports reports(loop);
    {
        Promise<int> promise = loop.create_future<int>();
        promise.set_exception(std::runtime_error("boom"));
        look(promise.get_future());
    }
    return reports.seen;
}

}  // namespace

TEST_CASE("future state: an exception that nobody retrieved is reported once") {
    EventLoop loop;
    Reports reports(loop);
    {
        Promise<int> promise = loop.create_future<int>();
        promise.set_exception(std::runtime_error("boom"));
        const Future<int> copy = promise.get_future();
        CHECK(copy.done());
        CHECK_FALSE(copy.cancelled());
    }
    const std::string report = reports.only();
    CHECK(report.find("Future exception was never retrieved | future: <Future finished "
                      "exception=std::runtime_error('boom')> | created by: ") == 0);
    CHECK(report.ends_with(" | std::runtime_error: boom"));
}

TEST_CASE("future state: looking at an exception in whatever way silences the report") {
    using Look = Future<int>;
    CHECK(reports_after([](Look) {}).size() == 1);
    CHECK(reports_after([](Look f) { CHECK_THROWS(f.result()); }).empty());
    CHECK(reports_after([](Look f) { CHECK(f.exception() != nullptr); }).empty());
    CHECK(reports_after([](Look f) { CHECK_FALSE(f.cancel()); }).empty());
    CHECK(reports_after([](Look f) { CHECK_THROWS(f.get_loop().run_until_complete(f)); }).empty());
    CHECK(reports_after([](Look f) {
              auto waits = [](Future<int> waited) -> Task<> { co_await waited; };
              CHECK_THROWS(f.get_loop().run_until_complete(waits(f)));
          }).empty());
    CHECK(reports_after([](Look f) {
              auto waits = [](Future<int> waited) -> Task<> {
                  const Outcome<int> outcome = co_await as_outcome(waited);
                  CHECK_FALSE(outcome.has_value());
              };
              f.get_loop().run_until_complete(waits(f));
          }).empty());
}

TEST_CASE("future state: a value or a cancellation that nobody retrieved is no matter") {
    EventLoop loop;
    Reports reports(loop);
    loop.create_future<int>().set_result(1);
    loop.create_future<int>().get_future().cancel();
    static_cast<void>(loop.create_future<int>());
    CHECK(reports.seen.empty());
}

TEST_CASE("future state: once the loop is gone the report goes to standard error") {
    Promise<int> promise;
    {
        EventLoop loop;
        promise = loop.create_future<int>();
        promise.set_exception(std::runtime_error("boom"));
    }
    const std::string text = printed([&] { promise = Promise<int>(); });
    CHECK(text.find("Future exception was never retrieved\nfuture: <Future finished ") == 0);
}

TEST_CASE("future state: the repr of every state, as Python's") {
    EventLoop loop;
    const auto repr = [](const AnyFuture& future) { return fmt::format("{}", future); };
    Promise<int> number = loop.create_future<int>();
    CHECK(repr(number.get_future()) == "<Future pending>");
    number.set_result(5);
    CHECK(repr(number.get_future()) == "<Future finished result=5>");
    Promise<std::string> text = loop.create_future<std::string>();
    text.set_result("Foo!");
    CHECK(repr(text.get_future()) == "<Future finished result='Foo!'>");
    Promise<> nothing = loop.create_future();
    nothing.set_result();
    CHECK(repr(nothing.get_future()) == "<Future finished result=None>");
    Promise<> failed = loop.create_future();
    failed.set_exception(std::invalid_argument("boom"));
    CHECK(repr(failed.get_future()) == "<Future finished exception=std::invalid_argument('boom')>");
    CHECK_THROWS(failed.get_future().result());
    Promise<> cancelled = loop.create_future();
    cancelled.get_future().cancel("why");
    CHECK(repr(cancelled.get_future()) == "<Future cancelled>");
}

TEST_CASE("future state: the repr names the first and the last callback and counts the others") {
    EventLoop loop;
    const auto with = [&loop](int count) {
        Promise<> promise = loop.create_future();
        Future<> future = promise.get_future();
        add_callbacks(future, count);
        return fmt::format("{}", future);
    };
    const std::string one = with(1);
    const std::string start = "<Future pending cb=[";
    REQUIRE(one.find(start + "add_callbacks() at future_state_test.cpp:") == 0);
    const std::string callback = one.substr(start.size(), one.size() - start.size() - 2);
    CHECK(one == start + callback + "]>");
    CHECK(with(2) == start + callback + ", " + callback + "]>");
    CHECK(with(3) == start + callback + ", <1 more>, " + callback + "]>");
    CHECK(with(4) == start + callback + ", <2 more>, " + callback + "]>");
}

TEST_CASE("future state: the value is destroyed with the last handle, and only if there is one") {
    EventLoop loop;
    auto held = std::make_shared<int>(1);
    Promise<std::shared_ptr<int>> promise = loop.create_future<std::shared_ptr<int>>();
    promise.set_result(held);
    Future<std::shared_ptr<int>> future = promise.get_future();
    promise = {};
    CHECK(held.use_count() == 2);
    future = {};
    CHECK(held.use_count() == 1);
    static_cast<void>(loop.create_future<std::shared_ptr<int>>());
}

TEST_CASE("future state: a value whose constructor throws leaves the future pending") {
    struct Fragile {
        explicit Fragile(bool breaks) {
            if (breaks) {
                throw std::runtime_error("fragile");
            }
        }
    };
    EventLoop loop;
    Promise<Fragile> promise = loop.create_future<Fragile>();
    CHECK_THROWS_AS(promise.set_result(true), std::runtime_error);
    CHECK_FALSE(promise.done());
    promise.set_result(false);
    CHECK(promise.done());
}

ASYNC_TEST_CASE("future state: all who wait get the same exception object") {
    Promise<> promise = get_running_loop().create_future();
    promise.set_exception(std::runtime_error("shared"));
    const Future<> future = promise.get_future();
    const void* seen[2] = {};
    for (const void*& object : seen) {
        try {
            co_await future;
        } catch (const std::runtime_error& error) {
            object = &error;
        }
    }
    CHECK(seen[0] != nullptr);
    CHECK(seen[0] == seen[1]);
}

ASYNC_TEST_CASE("future state: a waiter that is cancelled with its future leaves the list") {
    Promise<> promise = get_running_loop().create_future();
    auto waits = [](Future<> future) -> Task<> { co_await future; };
    TaskHandle<> task = create_task(waits(promise.get_future()));
    co_await sleep(Delay());
    CHECK(fmt::format("{}", promise.get_future()) == "<Future pending cb=[Task.task_wakeup()]>");
    task.cancel();
    CHECK(promise.cancelled());
    CHECK(fmt::format("{}", promise.get_future()) == "<Future cancelled>");
    bool cancelled = false;
    try {
        co_await task;
    } catch (const CancelledError&) {
        cancelled = true;
    }
    CHECK(cancelled);
}

#include <ringio/core/coroutine.hpp>

#include <chrono>
#include <coroutine>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include <ringio/core.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<int> ends_at_once(int value) { co_return value; }
Task<> yields_once() { co_await sleep(0s); }

Task<long> goes_down(long depth) {
    if (depth == 0) {
        co_return 0;
    }
    const long below = co_await goes_down(depth - 1);
    co_return below + 1;
}

Task<long> goes_down_and_waits(long depth) {
    if (depth == 0) {
        co_await sleep(1s);
        co_return 0;
    }
    const long below = co_await goes_down_and_waits(depth - 1);
    co_return below + 1;
}

Task<> throws_from_below(long depth) {
    if (depth == 0) {
        throw std::runtime_error("from the bottom");
    }
    co_await throws_from_below(depth - 1);
}

}  // namespace

ASYNC_TEST_CASE("coroutine: ten million awaits that end at once do not grow the stack") {
    long sum = 0;
    for (int i = 0; i < 10'000'000; ++i) {
        sum += co_await ends_at_once(1);
    }
    CHECK(sum == 10'000'000);
}

ASYNC_TEST_CASE("coroutine: a million turns of the loop") {
    for (int i = 0; i < 1'000'000; ++i) {
        co_await sleep(0s);
    }
    CHECK(get_running_loop().time() == EventLoop::TimePoint{});
}

ASYNC_TEST_CASE("coroutine: a million done futures, awaited in a row") {
    Promise<int> promise = get_running_loop().create_future<int>();
    promise.set_result(1);
    const Future<int> future = promise.get_future();
    long sum = 0;
    for (int i = 0; i < 1'000'000; ++i) {
        sum += co_await future;
    }
    CHECK(sum == 1'000'000);
}

ASYNC_TEST_CASE("coroutine: a hundred thousand awaits deep") {
    const long at_once = co_await goes_down(100'000);
    CHECK(at_once == 100'000);
    const long waited = co_await goes_down_and_waits(100'000);
    CHECK(waited == 100'000);
}

ASYNC_TEST_CASE("coroutine: an exception comes up through a thousand awaits") {
    std::string text;
    try {
        co_await throws_from_below(1'000);
    } catch (const std::runtime_error& error) {
        text = error.what();
    }
    CHECK(text == "from the bottom");
}

ASYNC_TEST_CASE("coroutine: a cancellation reaches the bottom of a thousand awaits") {
    TaskHandle<long> task = create_task(goes_down_and_waits(1'000));
    co_await sleep(0s);
    task.cancel("deep");
    co_await settled(task);
    CHECK(thrown<CancelledError>([&] { static_cast<void>(task.result()); }) == "cancelled: deep");
}

ASYNC_TEST_CASE("coroutine: knows where it stands, from its definition on") {
    const unsigned defined = __LINE__ + 1;
    auto body = []() -> Task<> {
        co_await sleep(1s);
        co_await sleep(1s);
    };
#if defined(__clang__)
    const unsigned before = defined;
#else
    const unsigned before = defined + 3;  // GCC 12: names the closing brace
#endif
    const auto at = [](unsigned line) {
        return "coroutine_test.cpp:" + std::to_string(line) + ">";
    };
    TaskHandle<> task = create_task(body());
    CHECK(fmt::format("{}", task).find(at(before)) != std::string::npos);
    co_await sleep(0s);
    CHECK(fmt::format("{}", task).find(at(defined + 1)) != std::string::npos);
    co_await sleep(1500ms);
    CHECK(fmt::format("{}", task).find(at(defined + 2)) != std::string::npos);
    co_await task;
    CHECK(fmt::format("{}", task).find("done, defined at " + at(before)) != std::string::npos);
}

ASYNC_TEST_CASE("coroutine: its promise is found from any handle to it") {
    auto check = [](std::coroutine_handle<> coroutine, std::coroutine_handle<> expected) {
        CHECK(detail::PromiseBase::awaiting(coroutine) == expected);
    };
    Task<> task = yields_once();
    const auto root = task.release();
    check(root, nullptr);
    CHECK(&detail::PromiseBase::of(root) == static_cast<detail::PromiseBase*>(&root.promise()));
    root.destroy();
    co_return;
}

TEST_CASE("coroutine: many tasks, each with a deep chain, are destroyed with their loop") {
    const testing::Balance balance;
    {
        EventLoop loop({.virtual_time = true});
        Reports reports(loop);
        for (int i = 0; i < 100; ++i) {
            loop.create_task(goes_down_and_waits(100));
        }
        run_one_turn(loop);
        loop.close();
        CHECK(reports.seen.size() == 100);
    }
    CHECK(balance.difference() == "");
}

#include <ringio/core/awaitable.hpp>

#include <chrono>
#include <coroutine>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>

#include <ringio/core.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::EventLog;

namespace {

struct Ready {
    bool await_ready() const { return true; }
    void await_suspend(std::coroutine_handle<>) const {}
    int await_resume() const { return 5; }
};

/// Its await_suspend says whether it suspends; it is resumed by whoever calls resume().
struct Suspends {
    bool really = true;
    std::coroutine_handle<> handle = nullptr;

    bool await_ready() const { return false; }
    bool await_suspend(std::coroutine_handle<> coroutine) {
        handle = coroutine;
        return really;
    }
    int await_resume() const { return 7; }
};

/// Is resumed within its own await_suspend.
struct ResumedInline {
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) const { coroutine.resume(); }
    void await_resume() const {}
};

/// Hands control to the very coroutine that awaits.
struct TransfersBack {
    bool await_ready() const { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> coroutine) const {
        return coroutine;
    }
    int await_resume() const { return 9; }
};

struct ThrowsOnSuspend {
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<>) const { throw std::runtime_error("no suspension"); }
    void await_resume() const {}
};

struct ThrowsOnResume {
    bool await_ready() const { return true; }
    void await_suspend(std::coroutine_handle<>) const {}
    void await_resume() const { throw std::runtime_error("no result"); }
};

struct OnThread {
    explicit OnThread(std::thread& runner) : runner_(&runner) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) const {
        *runner_ = std::thread([coroutine] { coroutine.resume(); });
    }
    std::thread::id await_resume() const { return std::this_thread::get_id(); }

private:
    std::thread* runner_;
};

struct WithMember {
    Ready operator co_await() const { return {}; }
};
struct WithFree {};
Ready operator co_await(WithFree) { return {}; }

Task<int> awaits(Suspends& foreign) {
    const int value = co_await foreign;
    co_return value;
}

static_assert(Awaitable<Ready> && Awaitable<WithMember> && Awaitable<WithFree>);
static_assert(Awaitable<Task<int>> && Awaitable<Future<int>&> && Awaitable<AnyFuture>);
static_assert(Awaitable<std::suspend_never>);
static_assert(!Awaitable<int> && !Awaitable<std::string> && !Awaitable<Promise<int>>);
static_assert(std::is_same_v<AwaitResult<WithFree>, int>);

}  // namespace

ASYNC_TEST_CASE("awaitable: a foreign one that is ready does not yield") {
    EventLog log;
    get_running_loop().call_soon([&] { log("other"); });
    const int direct = co_await Ready{};
    const int member = co_await WithMember{};
    const int free = co_await WithFree{};
    co_await std::suspend_never();
    log("went on");
    CHECK(direct + member + free == 15);
    CHECK(log.joined() == "went on");
    co_await sleep(0s);
}

ASYNC_TEST_CASE("awaitable: a foreign one is resumed through the loop") {
    EventLog log;
    Suspends foreign;
    TaskHandle<int> task = create_task(awaits(foreign));
    co_await sleep(0s);
    REQUIRE(foreign.handle);
    foreign.handle.resume();
    CHECK_FALSE(task.done());
    const int value = co_await task;
    CHECK(value == 7);
}

ASYNC_TEST_CASE("awaitable: a foreign one that declines to suspend goes on at once") {
    EventLog log;
    get_running_loop().call_soon([&] { log("other"); });
    Suspends foreign;
    foreign.really = false;
    const int value = co_await foreign;
    log("went on");
    CHECK(value == 7);
    CHECK(log.joined() == "went on");
    co_await sleep(0s);
}

ASYNC_TEST_CASE("awaitable: resumed inline, and by a transfer to the awaiting coroutine") {
    co_await ResumedInline{};
    const int value = co_await TransfersBack{};
    CHECK(value == 9);
}

ASYNC_TEST_CASE("awaitable: a task is in no wait after a foreign one that did not suspend") {
    // The wait lived in a frame that is gone when the task cancels itself.
    auto inner = []() -> Task<int> {
        Suspends foreign;
        foreign.really = false;
        const int value = co_await foreign;
        co_return value;
    };
    auto outer = [&]() -> Task<> {
        const int value = co_await inner();
        CHECK(value == 7);
        CHECK(detail::running_task().wait() == nullptr);
        if (detail::running_task().wait() == nullptr) {
            current_task().cancel();
        }
    };
    TaskHandle<> task = create_task(outer());
    co_await settled(task);
    CHECK(task.cancelled());
}

ASYNC_TEST_CASE("awaitable: what a foreign one throws goes to the one who awaits") {
    std::string suspend, resume;
    try {
        co_await ThrowsOnResume{};
    } catch (const std::runtime_error& error) {
        resume = error.what();
    }
    try {
        co_await ThrowsOnSuspend{};
    } catch (const std::runtime_error& error) {
        suspend = error.what();
    }
    CHECK(resume == "no result");
    CHECK(suspend == "no suspension");
    CHECK(detail::running_task().wait() == nullptr);
}

TEST_CASE("awaitable: resumed on another thread once the loop is closed, it wakes nobody") {
    const testing::Balance balance;
    const std::ptrdiff_t frames = detail::live_frames();
    std::coroutine_handle<> bridge;
    {
        EventLoop loop;
        loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
        auto keeps = [](std::coroutine_handle<>& kept) -> Task<> {
            Suspends suspends;
            get_running_loop().call_soon([&] {
                kept = suspends.handle;
                get_running_loop().stop();
            });
            co_await suspends;
        };
        loop.create_task(keeps(bridge));
        loop.run_forever();
    }
    // The task went with the loop, on its thread; the way back to the loop is still there.
    CHECK(detail::live_frames() == frames);
    std::thread([bridge] { bridge.resume(); }).join();
    CHECK(balance.difference() == "");
}

TEST_CASE("awaitable: resumed on another thread, the task goes on on the loop's") {
    EventLoop loop({.debug = true});  // which would take an idle loop for a deadlock
    auto body = []() -> Task<> {
        for (int i = 0; i < 20; ++i) {
            std::thread runner;
            const std::thread::id resumed = co_await OnThread(runner);
            CHECK(resumed == std::this_thread::get_id());
            runner.join();
        }
    };
    loop.run_until_complete(body());
}

ASYNC_TEST_CASE("awaitable: a cancel cannot end a foreign wait, it is raised at the next one") {
    EventLog log;
    Suspends foreign;
    auto body = [&]() -> Task<> {
        const int value = co_await foreign;
        log(std::to_string(value));
        co_await sleep(1h);
        log("not reached");
    };
    TaskHandle<> task = create_task(body());
    co_await sleep(0s);
    CHECK(task.cancel());
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK_FALSE(task.done());
    foreign.handle.resume();
    co_await settled(task);
    CHECK(task.cancelled());
    CHECK(log.joined() == "7");
}

ASYNC_TEST_CASE("awaitable: a cancellation that a foreign result outran is forgotten at the end") {
    Suspends foreign;
    TaskHandle<int> task = create_task(awaits(foreign));
    co_await sleep(0s);
    task.cancel();
    foreign.handle.resume();
    const int value = co_await task;
    CHECK(value == 7);
    CHECK_FALSE(task.cancelled());
}

ASYNC_TEST_CASE("awaitable: a foreign one is named in the task's repr") {
    Suspends foreign;
    TaskHandle<int> task = create_task(awaits(foreign));
    co_await sleep(0s);
    CHECK(fmt::format("{}", task).find("wait_for=<a foreign awaitable>") != std::string::npos);
    foreign.handle.resume();
    co_await task;
}

#include <ringio/tasks/run_in_executor.hpp>

#include <ringio/base/scope_exit.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>
#include <support/gate.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using concurrent::ThreadPoolExecutor;
using ringio::testing::EventLog;

namespace {

std::string thread_name() {
    char text[32] = {};
    ::pthread_getname_np(::pthread_self(), text, sizeof text);
    return text;
}

int fail() { throw std::runtime_error("boom"); }

}  // namespace

ASYNC_TEST_CASE("run_in_executor: the default executor is made at first use, one per loop") {
    EventLoop& loop = get_running_loop();
    CHECK_FALSE(detail::has_default_executor(loop));
    CHECK_AWAIT(loop.run_in_executor(nullptr, thread_name), "ringio_0");
    CHECK(detail::has_default_executor(loop));
    const auto here = std::this_thread::get_id();
    CHECK_AWAIT(
        loop.run_in_executor(nullptr, [here] { return std::this_thread::get_id() == here; }),
        false);
}

ASYNC_TEST_CASE("run_in_executor: an executor of one's own") {
    ThreadPoolExecutor pool({.max_workers = 1, .thread_name_prefix = "mine"});
    CHECK_AWAIT(get_running_loop().run_in_executor(&pool, thread_name), "mine_0");
    CHECK_AWAIT(get_running_loop().run_in_executor(pool, thread_name), "mine_0");
    CHECK_FALSE(detail::has_default_executor(get_running_loop()));
}

ASYNC_TEST_CASE("run_in_executor: arguments are copied into the call; std::ref passes a reference",
                "[any_order]") {
    EventLoop& loop = get_running_loop();
    std::string text = "a";
    const auto append = [](std::string& target, const std::string& more) { target += more; };
    Future<> done = loop.run_in_executor(nullptr, append, std::ref(text), std::string("b"));
    co_await done;
    CHECK(text == "ab");
    const auto size = [](const std::string& copy) { return copy.size(); };
    CHECK_AWAIT(loop.run_in_executor(nullptr, size, text), 2);
}

ASYNC_TEST_CASE("run_in_executor: an exception of the call is the future's") {
    EventLoop& loop = get_running_loop();
    CHECK_AWAIT(text_of<std::runtime_error>(loop.run_in_executor(nullptr, fail)), "boom");
}

ASYNC_TEST_CASE("run_in_executor: what can only be moved, in and out", "[any_order]") {
    auto work = [owned = std::make_unique<int>(1)](std::unique_ptr<int> other) {
        return std::make_unique<int>(*owned + *other);
    };
    Future<std::unique_ptr<int>> future =
        get_running_loop().run_in_executor(nullptr, by_move(work), std::make_unique<int>(2));
    const std::unique_ptr<int> sum = co_await std::move(future);
    CHECK(*sum == 3);
}

ASYNC_TEST_CASE("run_in_executor: the loop goes on while a call blocks") {
    EventLog log;
    Gate gate;
    const auto block = [&gate] { gate.pass(); };
    Future<> blocked = get_running_loop().run_in_executor(nullptr, block);
    co_await turns(3);
    log("loop");
    gate.open();
    co_await blocked;
    log("call");
    CHECK(log.joined() == "loop call");
}

ASYNC_TEST_CASE("run_in_executor: calls run side by side", "[any_order]") {
    EventLoop& loop = get_running_loop();
    Gate first;
    Gate second;
    // Each waits for the other to have begun.
    const auto meet = [](Gate& mine, Gate& other) {
        mine.open();
        other.pass();
    };
    co_await gather(loop.run_in_executor(nullptr, meet, std::ref(first), std::ref(second)),
                    loop.run_in_executor(nullptr, meet, std::ref(second), std::ref(first)));
}

ASYNC_TEST_CASE("run_in_executor: a call that has not begun is cancelled with its future",
                "[any_order]") {
    EventLoop& loop = get_running_loop();
    Gate gate;
    ThreadPoolExecutor pool(1);
    const ScopeExit opened([&gate] { gate.open(); });
    const auto block = [&gate] { gate.pass(); };
    Future<> first = loop.run_in_executor(&pool, block);
    gate.wait_until_reached();
    bool called = false;
    const auto call = [&called] { called = true; };
    Future<> second = loop.run_in_executor(&pool, call);
    Future<> third = loop.run_in_executor(&pool, [] {});
    CHECK(second.cancel());
    gate.open();
    co_await first;
    co_await third;
    CHECK_FALSE(called);
    CHECK(second.cancelled());
}

ASYNC_TEST_CASE("run_in_executor: a call that runs goes on when its future is cancelled") {
    Gate gate;
    ThreadPoolExecutor pool(1);
    const ScopeExit opened([&gate] { gate.open(); });
    bool finished = false;
    const auto block = [&] {
        gate.pass();
        finished = true;
        throw std::runtime_error("dropped");
    };
    Future<> future = get_running_loop().run_in_executor(&pool, block);
    gate.wait_until_reached();
    const Reported reported;
    CHECK(future.cancel());
    CHECK_AWAIT(is_cancelled(future), true);
    CHECK_FALSE(finished);
    gate.open();
    pool.shutdown();
    co_await turns(2);
    CHECK(finished);
    CHECK(reported.messages.empty());
}

ASYNC_TEST_CASE("run_in_executor: virtual time does not jump while a call is awaited",
                "[any_order]") {
    Gate gate;
    const auto block = [&gate] { gate.pass(); };
    Future<> future = get_running_loop().run_in_executor(nullptr, block);
    EventLoop& loop = get_running_loop();
    bool rang = false;
    const TimerHandle alarm = loop.call_later(1h, [&rang] { rang = true; });
    const TimerHandle opener = loop.call_later(1ms, [&gate] { gate.open(); });
    co_await future;
    CHECK_FALSE(rang);
    TimerHandle(alarm).cancel();
}

ASYNC_TEST_CASE("run_in_executor: virtual time jumps over a call that nobody awaits any more") {
    Gate gate;
    ThreadPoolExecutor pool(1);  // joined before the gate goes
    const ScopeExit leave([&gate] { gate.open(); });
    const auto block = [&gate] { gate.pass(); };
    Future<> future = get_running_loop().run_in_executor(&pool, block);
    gate.wait_until_reached();
    future.cancel();
    co_await sleep(1h);
    CHECK(future.cancelled());
}

ASYNC_TEST_CASE("run_in_executor: an executor that is shut down refuses") {
    ThreadPoolExecutor pool(1);
    pool.shutdown();
    CHECK_THROWS_WITH(get_running_loop().run_in_executor(&pool, [] {}),
                      "cannot schedule new futures after shutdown");
    co_return;
}

TEST_CASE("run_in_executor: a closed loop refuses") {
    EventLoop loop;
    loop.close();
    CHECK_THROWS_WITH(loop.run_in_executor(nullptr, [] {}), "Event loop is closed");
    CHECK_THROWS_WITH(loop.set_default_executor(std::make_shared<ThreadPoolExecutor>(1)),
                      "Event loop is closed");
}

TEST_CASE("run_in_executor: may be called before the loop runs") {
    EventLoop loop;
    Future<int> future = loop.run_in_executor(nullptr, [] { return 1; });
    CHECK(loop.run_until_complete(future) == 1);
}

TEST_CASE("run_in_executor: a loop may close, and go, before the call ends") {
    const testing::Balance balance;
    Gate gate;
    ThreadPoolExecutor pool(1);
    const ScopeExit opened([&gate] { gate.open(); });
    bool finished = false;
    Future<std::string> future;
    {
        EventLoop loop;
        future = loop.run_in_executor(&pool, [&] {
            gate.pass();
            finished = true;
            return std::string("dropped");
        });
        gate.wait_until_reached();
    }
    gate.open();
    pool.shutdown();
    CHECK(finished);
    CHECK_FALSE(future.done());
    future = {};
    CHECK(balance.difference() == "");
}

TEST_CASE("run_in_executor: closing a loop waits for the calls of its default executor") {
    bool finished = false;
    Gate gate;
    std::thread opener;
    {
        EventLoop loop;
        static_cast<void>(loop.run_in_executor(nullptr, [&] {
            gate.pass();
            finished = true;
        }));
        gate.wait_until_reached();
        opener = std::thread([&] { gate.open(); });
    }
    CHECK(finished);
    opener.join();
}

ASYNC_TEST_CASE("set_default_executor: another pool takes the calls") {
    EventLoop& loop = get_running_loop();
    loop.set_default_executor(std::make_shared<ThreadPoolExecutor>(
        concurrent::ThreadPoolOptions{.thread_name_prefix = "mine"}));
    CHECK_AWAIT(loop.run_in_executor(nullptr, thread_name), "mine_0");
    CHECK_THROWS_AS(loop.set_default_executor(nullptr), std::invalid_argument);
}

ASYNC_TEST_CASE("shutdown_default_executor: waits for the calls, then refuses new ones") {
    EventLoop& loop = get_running_loop();
    EventLog log;
    Gate gate;
    const auto block = [&gate] { gate.pass(); };
    Future<> blocked = loop.run_in_executor(nullptr, block);
    auto shutdown = create_task(loop.shutdown_default_executor());
    gate.wait_until_reached();
    co_await turns(3);
    CHECK_FALSE(shutdown.done());
    CHECK_THROWS_WITH(loop.run_in_executor(nullptr, [] {}), "Executor shutdown has been called");
    gate.open();
    co_await shutdown;
    CHECK(blocked.done());
    co_await loop.shutdown_default_executor();
}

ASYNC_TEST_CASE("shutdown_default_executor: needs no executor", "[any_order]") {
    EventLoop& loop = get_running_loop();
    co_await loop.shutdown_default_executor(1s);
    CHECK_THROWS_WITH(loop.run_in_executor(nullptr, [] {}), "Executor shutdown has been called");
    ThreadPoolExecutor pool(1);
    CHECK_AWAIT(loop.run_in_executor(&pool, [] { return 1; }), 1);
}

ASYNC_TEST_CASE("shutdown_default_executor: a call may need the loop to end", "[any_order]") {
    EventLoop& loop = get_running_loop();
    Gate asked;
    const auto ask = [&loop, &asked] {
        loop.call_soon_threadsafe([&asked] { asked.open(); });
        asked.pass();
    };
    Future<> future = loop.run_in_executor(nullptr, ask);
    co_await loop.shutdown_default_executor();
    co_await future;
}

ASYNC_TEST_CASE("shutdown_default_executor: when the time is over it says so and lets go") {
    EventLoop& loop = get_running_loop();
    const Reported reported;
    auto pool = std::make_shared<ThreadPoolExecutor>(1);
    loop.set_default_executor(pool);
    Gate gate;
    Gate gone;
    const auto block = [&] {
        gate.pass();
        gone.open();
    };
    Future<> future = loop.run_in_executor(nullptr, block);
    gate.wait_until_reached();
    co_await loop.shutdown_default_executor(1ms);
    CHECK(reported.messages ==
          std::vector<std::string>{"the default executor did not finish joining its threads "
                                   "within 0.001 seconds"});
    gate.open();
    co_await future;
    gone.pass();
}

ASYNC_TEST_CASE("shutdown_default_executor: may be cancelled") {
    EventLoop& loop = get_running_loop();
    Gate gate;
    const auto block = [&gate] { gate.pass(); };
    Future<> future = loop.run_in_executor(nullptr, block);
    gate.wait_until_reached();
    auto shutdown = create_task(loop.shutdown_default_executor());
    co_await turns(2);
    shutdown.cancel();
    CHECK_AWAIT(is_cancelled(shutdown), true);
    gate.open();
    co_await future;
}

TEST_CASE("run: the default executor is shut down after the tasks, before the loop closes") {
    EventLog log;
    Gate gate;
    std::atomic<bool> finished = false;
    const auto main = [&]() -> Task<> {
        static_cast<void>(get_running_loop().run_in_executor(nullptr, [&] {
            gate.pass();
            finished = true;
        }));
        gate.wait_until_reached();
        auto straggler = create_task([](EventLog& events, Gate& held) -> Task<> {
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
                events("cancelled");
                held.open();
                throw;
            }
        }(log, gate));
        co_await turns(2);
    };
    run(main());
    CHECK(log.joined() == "cancelled");
    CHECK(finished);
}

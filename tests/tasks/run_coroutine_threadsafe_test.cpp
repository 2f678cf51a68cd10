#include <ringio/tasks/run_coroutine_threadsafe.hpp>

#include <ringio/base/scope_exit.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>
#include <support/gate.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::EventLog;

namespace {

Task<int> add(int a, int b) {
    co_await sleep(0s);
    co_return a + b;
}

Task<int> fail() {
    co_await sleep(0s);
    throw std::runtime_error("Fail!");
}

Task<> wait_for_ever(EventLog& log) {
    log("begins");
    const ScopeExit leave([&log] { log("leaves"); });
    co_await get_running_loop().create_future<void>().get_future();
}

Task<std::unique_ptr<int>> make(int value) { co_return std::make_unique<int>(value); }

/// What a thread finds out with `future`: the value, or how it was refused.
template <class T>
std::string outcome_of(const concurrent::Future<T>& future) {
    try {
        return std::to_string(future.result());
    } catch (const CancelledError&) {
        return "cancelled";
    } catch (const std::exception& error) {
        return error.what();
    }
}

}  // namespace

ASYNC_TEST_CASE("run_coroutine_threadsafe: a thread gets the result of a coroutine") {
    EventLoop& loop = get_running_loop();
    const auto ask = [&loop] { return run_coroutine_threadsafe(add(1, 2), loop).result(); };
    CHECK_AWAIT(to_thread(ask), 3);
}

ASYNC_TEST_CASE("run_coroutine_threadsafe: a thread gets the exception") {
    EventLoop& loop = get_running_loop();
    const auto ask = [&loop] { return outcome_of(run_coroutine_threadsafe(fail(), loop)); };
    CHECK_AWAIT(to_thread(ask), "Fail!");
}

ASYNC_TEST_CASE("run_coroutine_threadsafe: a value that can only be moved") {
    EventLoop& loop = get_running_loop();
    const auto ask = [&loop] { return *run_coroutine_threadsafe(make(7), loop).result(); };
    CHECK_AWAIT(to_thread(ask), 7);
}

ASYNC_TEST_CASE("run_coroutine_threadsafe: a timeout of the thread leaves the task alone") {
    EventLoop& loop = get_running_loop();
    EventLog log;
    concurrent::Future<void> future;
    const auto ask = [&]() -> std::string {
        future = run_coroutine_threadsafe(wait_for_ever(log), loop);
        try {
            future.result(1ms);
        } catch (const TimeoutError&) {
            return "timeout";
        }
        return "result";
    };
    CHECK_AWAIT(to_thread(ask), "timeout");
    co_await turns(2);
    CHECK(log.joined() == "begins");
    CHECK(future.cancel());
    co_await turns(3);
    CHECK(log.joined() == "begins leaves");
}

ASYNC_TEST_CASE("run_coroutine_threadsafe: cancelling the future cancels the task") {
    EventLoop& loop = get_running_loop();
    EventLog log;
    Gate begun;
    const auto body = [](EventLog& events, Gate& gate) -> Task<> {
        gate.open();
        co_await wait_for_ever(events);
    };
    const auto ask = [&] {
        const auto future = run_coroutine_threadsafe(body(log, begun), loop);
        begun.pass();
        return future.cancel() && future.cancelled();
    };
    CHECK_AWAIT(to_thread(ask), true);
    co_await turns(3);
    CHECK(log.joined() == "begins leaves");
    CHECK(loop.statistics().tasks == 1);
}

ASYNC_TEST_CASE("run_coroutine_threadsafe: cancelled before its first step, it never begins") {
    EventLog log;
    const auto future = run_coroutine_threadsafe(wait_for_ever(log), get_running_loop());
    CHECK(future.cancel());
    co_await turns(3);
    CHECK(log.joined() == "");
    CHECK(get_running_loop().statistics().tasks == 1);
}

ASYNC_TEST_CASE(
    "run_coroutine_threadsafe: a task that is cancelled on the loop cancels the future") {
    EventLog log;
    const auto future = run_coroutine_threadsafe(wait_for_ever(log), get_running_loop());
    co_await turns(2);
    for (AnyTask& task : all_tasks()) {
        if (!(task == current_task())) {
            CHECK(task.cancel());
        }
    }
    co_await turns(3);
    CHECK(log.joined() == "begins leaves");
    CHECK(future.cancelled());
}

ASYNC_TEST_CASE("run_coroutine_threadsafe: a cancel after the end changes nothing") {
    const auto future = run_coroutine_threadsafe(add(1, 2), get_running_loop());
    co_await turns(4);
    REQUIRE(future.done());
    CHECK_FALSE(future.cancel());
    CHECK(future.result() == 3);
}

ASYNC_TEST_CASE("run_coroutine_threadsafe: its future is pending until the task is done") {
    const auto future = run_coroutine_threadsafe(add(1, 2), get_running_loop());
    co_await turns(1);
    CHECK_FALSE(future.running());
    CHECK_FALSE(future.done());
    Future<int> wrapped = wrap_future(future);
    const int sum = co_await wrapped;
    CHECK(sum == 3);
}

ASYNC_TEST_CASE("run_coroutine_threadsafe: a coroutine that cannot become a task") {
    const Reported reported;
    Task<int> used = add(1, 2);
    const int sum = co_await used;
    CHECK(sum == 3);
    const auto future = run_coroutine_threadsafe(std::move(used), get_running_loop());
    co_await turns(2);
    CHECK(outcome_of(future) == "cannot reuse already awaited coroutine");
    CHECK(reported.messages.size() == 1);
}

ASYNC_TEST_CASE("run_coroutine_threadsafe: an exception that the other side has is not reported") {
    const Reported reported;
    static_cast<void>(run_coroutine_threadsafe(fail(), get_running_loop()));
    co_await turns(5);
    CHECK(reported.messages.empty());
}

TEST_CASE("run_coroutine_threadsafe: the task knows where it was asked for") {
    EventLog log;
    std::string created;
    EventLoop loop;
    loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
        for (const auto& [key, value] : context.details) {
            created += key == "created by" ? value : "";
        }
    });
    const int line = __LINE__ + 1;
    static_cast<void>(run_coroutine_threadsafe(wait_for_ever(log), loop));
    loop.run_until_complete(turns(2));
    loop.close();
    const std::string place = " at run_coroutine_threadsafe_test.cpp:" + std::to_string(line);
    CHECK(created.ends_with(place));
}

ASYNC_TEST_CASE("run_coroutine_threadsafe: the task begins in the context of the thread") {
    EventLoop& loop = get_running_loop();
    ContextVar<int> variable("variable", 0);
    variable.set(1);
    const auto read = [](const ContextVar<int>& watched) -> Task<int> { co_return watched.get(); };
    const auto ask = [&] {
        variable.set(2);
        return run_coroutine_threadsafe(read(variable), loop).result();
    };
    CHECK_AWAIT(to_thread(ask), 2);
    CHECK(variable.get() == 1);
}

TEST_CASE("run_coroutine_threadsafe: a closed loop refuses, and the coroutine is destroyed") {
    const testing::Balance balance;
    EventLoop loop;
    loop.close();
    CHECK_THROWS_WITH(run_coroutine_threadsafe(add(1, 2), loop), "Event loop is closed");
}

TEST_CASE("run_coroutine_threadsafe: a loop that closes cancels what it did not finish") {
    const testing::Balance balance;
    EventLog log;
    concurrent::Future<int> never_begun;
    concurrent::Future<void> begun;
    {
        EventLoop loop;
        loop.set_exception_handler(
            [&](EventLoop&, const ExceptionContext& context) { log(context.message); });
        begun = run_coroutine_threadsafe(wait_for_ever(log), loop);
        loop.run_until_complete(turns(2));
        never_begun = run_coroutine_threadsafe(add(1, 2), loop);
        loop.close();
    }
    CHECK(never_begun.cancelled());
    CHECK(begun.cancelled());
    CHECK(log.joined(", ") == "begins, Task was destroyed but it is pending!, leaves");
    CHECK(balance.difference() == "");
}

TEST_CASE(
    "run_coroutine_threadsafe: a call of the default executor that waits for a closing loop") {
    std::string outcome;
    Gate asked;
    {
        EventLoop loop;
        static_cast<void>(loop.run_in_executor(nullptr, [&] {
            const auto future = run_coroutine_threadsafe(add(1, 2), loop);
            asked.open();
            outcome = outcome_of(future);
        }));
        asked.pass();
    }
    CHECK(outcome == "cancelled");
}

TEST_CASE("run_coroutine_threadsafe: frames are on the books of the thread where they end") {
    std::string there;
    EventLoop loop;
    loop.run_until_complete(turns(1));
    const testing::Balance with_loop;
    std::thread thread([&] {
        const testing::Balance other;
        const auto future = run_coroutine_threadsafe(add(1, 2), loop);
        there = other.difference();
    });
    thread.join();
    CHECK(there == "");
    CHECK(with_loop.difference() == "");
    loop.run_until_complete(turns(4));
    CHECK(with_loop.difference() == "");
}

TEST_CASE("run_coroutine_threadsafe: many threads, one loop") {
    EventLoop loop;
    int calls = 0;  // on the loop's thread only
    constexpr int threads = 4;
    constexpr int calls_of_each = 250;
    const auto count = [](int& counter) -> Task<int> {
        co_await sleep(0s);
        co_return ++counter;
    };
    std::vector<std::thread> clients;
    int left = threads;
    for (int i = 0; i < threads; ++i) {
        clients.emplace_back([&] {
            for (int call = 0; call < calls_of_each; ++call) {
                run_coroutine_threadsafe(count(calls), loop).result();
            }
            loop.call_soon_threadsafe([&] {
                if (--left == 0) {
                    loop.stop();
                }
            });
        });
    }
    loop.run_forever();
    for (std::thread& client : clients) {
        client.join();
    }
    CHECK(calls == threads * calls_of_each);
}

TEST_CASE("run_coroutine_threadsafe: cancelled from a thread while the loop finishes the task") {
    EventLoop loop;
    std::thread client([&] {
        for (int round = 0; round < 300; ++round) {
            const auto future = run_coroutine_threadsafe(add(round, 0), loop);
            if (future.cancel() != future.cancelled()) {
                std::terminate();
            }
        }
        loop.call_soon_threadsafe([&] { loop.stop(); });
    });
    loop.run_forever();
    client.join();
    loop.run_until_complete(turns(4));
    CHECK(loop.statistics().tasks == 0);
}

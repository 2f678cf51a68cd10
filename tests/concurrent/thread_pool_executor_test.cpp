#include <ringio/concurrent/thread_pool_executor.hpp>

#include <ringio/base/scope_exit.hpp>
#include <support/catch.hpp>
#include <support/gate.hpp>

#include "../../src/concurrent/usable_processors.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

using ringio::by_move;
using ringio::CancelledError;
using namespace ringio::test_support;
using ringio::concurrent::Future;
using ringio::concurrent::ThreadPoolExecutor;
using ringio::concurrent::ThreadPoolOptions;

namespace {

std::size_t thread_count() {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                      std::filesystem::directory_iterator()));
}

/// How many threads do fifteen times as many jobs; hangs unless `expected` of them run at once.
std::size_t threads_of(const ThreadPoolOptions& options, std::size_t expected) {
    std::latch all(static_cast<std::ptrdiff_t>(expected));
    std::mutex mutex;
    std::set<std::thread::id> threads;
    {
        ThreadPoolExecutor executor(options);
        for (std::size_t job = 0; job < 15 * expected; ++job) {
            executor.post([&, job] {
                if (job < expected) {
                    all.arrive_and_wait();
                }
                const std::lock_guard lock(mutex);
                threads.insert(std::this_thread::get_id());
            });
        }
    }
    return threads.size();
}

}  // namespace

TEST_CASE("ThreadPoolExecutor: does every job, on threads of its own") {
    std::atomic<int> done = 0;
    std::atomic<int> here = 0;
    const std::thread::id caller = std::this_thread::get_id();
    {
        ThreadPoolExecutor executor(4);
        for (int i = 0; i < 1000; ++i) {
            executor.post([&, caller] {
                here += std::this_thread::get_id() == caller ? 1 : 0;
                ++done;
            });
        }
    }
    CHECK(done == 1000);
    CHECK(here == 0);
}

TEST_CASE("ThreadPoolExecutor: starts no thread before there is work, and none it does not need") {
    const std::size_t before = thread_count();
    ThreadPoolExecutor executor(8);
    CHECK(thread_count() <= before);  // one that was joined before leaves the list later
    for (int i = 0; i < 20; ++i) {
        std::latch done(1);
        executor.post([&] { done.count_down(); });
        done.wait();
        REQUIRE(thread_count() <= before + 2);  // the worker may not be idle again yet
    }
    executor.shutdown();
    while (thread_count() > before) {
        std::this_thread::yield();
    }
}

TEST_CASE("ThreadPoolExecutor: runs up to max_workers jobs at once, and no more") {
    ThreadPoolExecutor executor(3);
    std::latch three(3);
    std::atomic<int> running = 0;
    std::atomic<int> most = 0;
    for (int i = 0; i < 3; ++i) {
        executor.post([&] { three.arrive_and_wait(); });  // ends only if all three run
    }
    three.wait();
    for (int i = 0; i < 60; ++i) {
        executor.post([&] {
            const int now = ++running;
            int seen = most;
            while (now > seen && !most.compare_exchange_weak(seen, now)) {
            }
            std::this_thread::yield();
            --running;
        });
    }
    executor.shutdown();
    CHECK(most <= 3);
}

TEST_CASE(
    "ThreadPoolExecutor: many more jobs than workers start no more than max_workers threads") {
    CHECK(threads_of(ThreadPoolOptions{.max_workers = 4}, 4) == 4);
}

TEST_CASE("ThreadPoolExecutor: has four more workers than processors by default, at most 32") {
    const std::size_t expected =
        std::min<std::size_t>(32, ringio::concurrent::usable_processors() + 4);
    CHECK(threads_of({}, expected) == expected);
}

TEST_CASE("ThreadPoolExecutor: shutdown does what is queued, refuses more, and may be repeated") {
    ThreadPoolExecutor executor(1);
    int done = 0;
    std::latch begin(1);
    executor.post([&] { begin.wait(); });
    for (int i = 0; i < 10; ++i) {
        executor.post([&] { ++done; });
    }
    begin.count_down();
    executor.shutdown();
    CHECK(done == 10);
    CHECK_THROWS_AS(executor.post([] {}), std::runtime_error);
    CHECK_THROWS_WITH(executor.post([] {}), "cannot schedule new futures after shutdown");
    executor.shutdown();
}

TEST_CASE(
    "ThreadPoolExecutor: takes jobs that can only be moved, and destroys each after its run") {
    auto payload = std::make_unique<int>(42);
    int seen = 0;
    auto watched = std::make_shared<int>(0);
    const std::weak_ptr<int> gone = watched;
    ThreadPoolExecutor executor(1);
    executor.post([&, owned = std::move(payload), kept = std::move(watched)] { seen = *owned; });
    std::latch next(1);
    bool destroyed = false;
    executor.post([&] {
        destroyed = gone.expired();
        next.count_down();
    });
    next.wait();
    CHECK(seen == 42);
    CHECK(destroyed);
}

TEST_CASE("ThreadPoolExecutor: a job may post another one") {
    std::latch done(2);
    ThreadPoolExecutor executor(1);
    executor.post([&] {
        executor.post([&] { done.count_down(); });
        done.count_down();
    });
    done.wait();
}

TEST_CASE("ThreadPoolExecutor: may be given jobs by many threads") {
    std::atomic<int> done = 0;
    {
        ThreadPoolExecutor executor(4);
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                for (int job = 0; job < 500; ++job) {
                    executor.post([&] { ++done; });
                }
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
    }
    CHECK(done == 2000);
}

TEST_CASE("ThreadPoolExecutor: its threads take no signals; the caller's mask stays") {
    sigset_t before;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
    ThreadPoolExecutor executor(1);
    std::latch done(1);
    sigset_t inside;
    executor.post([&] {
        ::pthread_sigmask(SIG_SETMASK, nullptr, &inside);
        done.count_down();
    });
    done.wait();
    CHECK(sigismember(&inside, SIGINT) == 1);
    CHECK(sigismember(&inside, SIGTERM) == 1);
    sigset_t after;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
    CHECK(sigismember(&after, SIGINT) == sigismember(&before, SIGINT));
}

TEST_CASE("submit: gives the result, or the exception, of the call") {
    ThreadPoolExecutor executor(2);
    CHECK(executor.submit([] { return 42; }).result() == 42);
    CHECK(executor.submit([](int a, int b) { return a + b; }, 1, 2).result() == 3);
    const Future<int> failed =
        executor.submit([]() -> int { throw std::invalid_argument("boom"); });
    CHECK_THROWS_AS(failed.result(), std::invalid_argument);
    CHECK_THROWS_WITH(failed.result(), "boom");
}

TEST_CASE("submit: a function of nothing gives a Future<void>") {
    ThreadPoolExecutor executor(1);
    int calls = 0;
    const Future<void> future = executor.submit([&] { ++calls; });
    future.result();
    CHECK(calls == 1);
    static_assert(std::is_void_v<decltype(future.result())>);
}

TEST_CASE("submit: what the call returns by reference is copied; std::ref passes one") {
    ThreadPoolExecutor executor(1);
    std::string text = "text";
    Future<std::string> future = executor.submit(
        [](std::string& argument) -> std::string& { return argument += "!"; }, std::ref(text));
    CHECK(future.result() == "text!");
    CHECK(text == "text!");
    CHECK(&future.result() != &text);
}

TEST_CASE("submit: takes member functions, and values that can only be moved") {
    struct Box {
        int doubled() const { return 2 * value; }
        int value;
    };
    ThreadPoolExecutor executor(1);
    CHECK(executor.submit(&Box::doubled, Box{21}).result() == 42);
    auto add = [owned = std::make_unique<int>(1)](std::unique_ptr<int> other) {
        return std::make_unique<int>(*owned + *other);
    };
    Future<std::unique_ptr<int>> sum = executor.submit(by_move(add), std::make_unique<int>(2));
    const std::unique_ptr<int> taken = std::move(sum).result();
    CHECK(*taken == 3);
}

TEST_CASE("submit: the callable and its arguments are gone when the future is done") {
    ThreadPoolExecutor executor(1);
    auto captured = std::make_shared<int>(1);
    auto passed = std::make_shared<int>(2);
    const std::weak_ptr<int> first = captured;
    const std::weak_ptr<int> second = passed;
    auto add = [kept = std::move(captured)](const std::shared_ptr<int>& other) {
        return *kept + *other;
    };
    CHECK(executor.submit(by_move(add), std::move(passed)).result() == 3);
    CHECK(first.expired());
    CHECK(second.expired());
}

TEST_CASE("submit: futures are running on workers and pending behind them") {
    ThreadPoolExecutor executor(2);
    std::latch begun(2);
    std::latch end(1);
    std::vector<Future<int>> futures;
    for (int i = 0; i < 4; ++i) {
        futures.push_back(executor.submit([&, i] {
            if (i < 2) {
                begun.count_down();
            }
            end.wait();
            return i;
        }));
    }
    begun.wait();
    CHECK(futures[0].running());
    CHECK(futures[1].running());
    CHECK_FALSE(futures[2].running());
    CHECK_FALSE(futures[3].running());
    CHECK_FALSE(futures[0].cancel());
    end.count_down();
    for (int i = 0; i < 4; ++i) {
        CHECK(futures[static_cast<std::size_t>(i)].result() == i);
    }
}

TEST_CASE("submit: cancelling a queued call takes it out, with all that it holds") {
    Gate gate;
    ThreadPoolExecutor executor(1);
    const ringio::ScopeExit opened([&gate] { gate.open(); });
    const Future<void> first = executor.submit([&] { gate.pass(); });
    gate.wait_until_reached();
    auto held = std::make_shared<int>(0);
    const std::weak_ptr<int> gone = held;
    bool called = false;
    auto second_work = [&called, kept = std::move(held)] { called = true; };
    const Future<void> second = executor.submit(by_move(second_work));
    const Future<int> third = executor.submit([] { return 3; });
    CHECK(second.cancel());
    CHECK(gone.expired());
    gate.open();
    CHECK(third.result() == 3);
    CHECK_FALSE(called);
    CHECK_THROWS_AS(second.result(), CancelledError);
    first.result();
}

TEST_CASE("submit: a future that outlives its executor may still be cancelled or read") {
    Future<int> future;
    {
        ThreadPoolExecutor executor(1);
        future = executor.submit([] { return 1; });
    }
    CHECK_FALSE(future.cancel());
    CHECK(future.result() == 1);
}

TEST_CASE("submit: after shutdown it is refused") {
    ThreadPoolExecutor executor(1);
    executor.shutdown();
    CHECK_THROWS_WITH(executor.submit([] {}), "cannot schedule new futures after shutdown");
}

TEST_CASE("submit: done callbacks run on the worker") {
    Gate gate;
    ThreadPoolExecutor executor(1);
    const ringio::ScopeExit opened([&gate] { gate.open(); });
    const Future<std::thread::id> future = executor.submit([&] {
        gate.pass();
        return std::this_thread::get_id();
    });
    std::thread::id where;
    future.add_done_callback([&] { where = std::this_thread::get_id(); });
    gate.open();
    executor.shutdown();
    CHECK(where == future.result());
    CHECK(where != std::this_thread::get_id());
}

TEST_CASE("submit: a call may submit another one and wait for it on another worker") {
    ThreadPoolExecutor executor(2);
    const Future<int> outer =
        executor.submit([&] { return 1 + executor.submit([] { return 41; }).result(); });
    CHECK(outer.result() == 42);
}

TEST_CASE("submit: from many threads, with many of them cancelled, none is lost") {
    std::atomic<int> called = 0;
    std::atomic<int> cancelled = 0;
    {
        ThreadPoolExecutor executor(3);
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                for (int job = 0; job < 200; ++job) {
                    const Future<void> future = executor.submit([&] { ++called; });
                    cancelled += job % 2 == 0 && future.cancel();
                }
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
    }
    CHECK(called + cancelled == 800);
    CHECK(called >= 400);
}

TEST_CASE("ThreadPoolExecutor: shutdown with cancel_futures drops what is queued") {
    Gate gate;
    ThreadPoolExecutor executor(1);
    const ringio::ScopeExit opened([&gate] { gate.open(); });
    const Future<int> running = executor.submit([&] {
        gate.pass();
        return 1;
    });
    gate.wait_until_reached();
    const Future<int> queued = executor.submit([] { return 2; });
    bool posted = false;
    executor.post([&] { posted = true; });
    queued.add_done_callback([&](const Future<int>& done) {
        CHECK(done.cancelled());
        gate.open();  // so shutdown() cancels before it waits
    });
    executor.shutdown({.cancel_futures = true});
    CHECK(running.result() == 1);
    CHECK(queued.cancelled());
    CHECK_FALSE(posted);
}

TEST_CASE("ThreadPoolExecutor: of fifty calls a shutdown with cancel_futures leaves what began") {
    ThreadPoolExecutor executor(2);
    std::latch begun(2);
    std::latch end(1);
    std::vector<Future<void>> futures;
    for (int i = 0; i < 50; ++i) {
        futures.push_back(executor.submit([&, i] {
            if (i < 2) {
                begun.count_down();
            }
            end.wait();
        }));
    }
    begun.wait();
    futures.back().add_done_callback([&] { end.count_down(); });
    executor.shutdown({.cancel_futures = true});
    CHECK(std::ranges::count_if(futures, &Future<void>::cancelled) == 48);
    CHECK(futures[0].exception() == nullptr);
    CHECK(futures[1].exception() == nullptr);
}

TEST_CASE("ThreadPoolExecutor: fifty calls that are queued are done when shutdown returns") {
    ThreadPoolExecutor executor(2);
    std::vector<Future<void>> futures;
    for (int i = 0; i < 50; ++i) {
        futures.push_back(executor.submit([] { std::this_thread::yield(); }));
    }
    executor.shutdown();
    CHECK(std::ranges::all_of(futures, &Future<void>::done));
}

TEST_CASE("ThreadPoolExecutor: a call that is cancelled just before does not hang a shutdown") {
    for (int round = 0; round < 100; ++round) {
        ThreadPoolExecutor executor(1);
        executor.submit([] {}).result();
        executor.submit([] {}).cancel();
        executor.shutdown();
    }
}

TEST_CASE("ThreadPoolExecutor: results of map() that nobody reads do not hang a shutdown") {
    for (int round = 0; round < 50; ++round) {
        ThreadPoolExecutor executor(2);
        executor.map([](int value) { return std::to_string(value); }, std::vector<int>(3, 2));
        executor.shutdown();
    }
}

TEST_CASE("ThreadPoolExecutor: shutdown that cancels and does not wait leaves nothing undone") {
    std::atomic<int> called = 0;
    std::latch gone(1);
    Future<void> future;
    {
        ThreadPoolExecutor executor(1);
        future = executor.submit([&] { ++called; });
        future.add_done_callback([&] { gone.count_down(); });
        executor.shutdown({.wait = false, .cancel_futures = true});
    }
    gone.wait();
    CHECK(called + future.cancelled() == 1);
}

TEST_CASE("ThreadPoolExecutor: shutdown without wait returns at once; what is queued is done") {
    Future<int> first;
    Future<int> second;
    Gate gate;
    {
        ThreadPoolExecutor executor(1);
        first = executor.submit([&] {
            gate.pass();
            return 1;
        });
        second = executor.submit([] { return 2; });
        executor.shutdown({.wait = false});
        CHECK_FALSE(first.done());
        CHECK_THROWS_AS(executor.post([] {}), std::runtime_error);
    }
    gate.open();
    CHECK(first.result() == 1);
    CHECK(second.result() == 2);
}

TEST_CASE("ThreadPoolExecutor: a worker may shut its own executor down") {
    ThreadPoolExecutor executor(1);
    CHECK(executor
              .submit([&] {
                  executor.shutdown();
                  return 1;
              })
              .result() == 1);
    CHECK_THROWS_AS(executor.post([] {}), std::runtime_error);
}

TEST_CASE("ThreadPoolExecutor: names its threads, within the kernel's 15 characters") {
    const auto name = [] {
        char text[32] = {};
        ::pthread_getname_np(::pthread_self(), text, sizeof text);
        return std::string(text);
    };
    ThreadPoolExecutor named({.max_workers = 1, .thread_name_prefix = "resolver"});
    CHECK(named.submit(name).result() == "resolver_0");
    ThreadPoolExecutor longer(
        ringio::concurrent::ThreadPoolOptions{.thread_name_prefix = "a prefix that is too long"});
    CHECK(longer.submit(name).result() == "a prefix that_0");
    ThreadPoolExecutor unnamed(1);
    CHECK(unnamed.submit(name).result() == name());
    ThreadPoolExecutor many({.max_workers = 5, .thread_name_prefix = "SpecialPool"});
    std::latch all(5);
    std::vector<std::string> names;
    for (std::string found : many.map(
             [&](int) {
                 all.arrive_and_wait();
                 return name();
             },
             std::vector<int>(5))) {
        names.push_back(std::move(found));
    }
    std::ranges::sort(names);
    CHECK(names.front() == "SpecialPool_0");
    CHECK(names.back() == "SpecialPool_4");
}

TEST_CASE("ThreadPoolExecutor: a second shutdown waits, too, whatever the first one did") {
    const bool first_waits = GENERATE(false, true);
    Gate gate;
    ThreadPoolExecutor pool(2);
    const ringio::ScopeExit opened([&gate] { gate.open(); });
    std::atomic<bool> done = false;
    pool.post([&] {
        gate.pass();
        done = true;
    });
    gate.wait_until_reached();
    std::thread first;
    if (first_waits) {
        first = std::thread([&] { pool.shutdown(); });
    } else {
        pool.shutdown({.wait = false});
    }
    CHECK_FALSE(done);
    std::thread opener([&] { gate.open(); });
    pool.shutdown();
    CHECK(done);
    opener.join();
    if (first.joinable()) {
        first.join();
    }
}

TEST_CASE("ThreadPoolExecutor: two workers may shut it down at the same time") {
    ThreadPoolExecutor pool(2);
    std::latch both(2);
    const auto shut_down = [&] {
        both.arrive_and_wait();
        pool.shutdown();
    };
    const Future<void> first = pool.submit(shut_down);
    const Future<void> second = pool.submit(shut_down);
    pool.shutdown();
    CHECK(first.done());
    CHECK(second.done());
}

// What submit() does afterwards must not look at the executor: for the sanitizers to see.
TEST_CASE("submit: the job may destroy the executor before it returns") {
    for (int round = 0; round < 100; ++round) {
        auto* const pool = new ThreadPoolExecutor(1);
        const Future<void> done = pool->submit([pool] { delete pool; });
        done.result();
    }
}

TEST_CASE("ThreadPoolExecutor: no workers are refused, for what is queued would wait for ever") {
    CHECK_THROWS_WITH(ThreadPoolExecutor(0), "max_workers must be greater than 0");
    CHECK_THROWS_AS(ThreadPoolExecutor({.max_workers = 0}), std::invalid_argument);
    ThreadPoolExecutor as_python_has_it;
    CHECK(as_python_has_it.submit([] { return 1; }).result() == 1);
}

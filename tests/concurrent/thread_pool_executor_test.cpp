#include <ringio/concurrent/thread_pool_executor.hpp>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

using namespace ringio;
using concurrent::ThreadPoolExecutor;

namespace {

std::size_t thread_count() {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                      std::filesystem::directory_iterator()));
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
    CHECK(thread_count() == before);
    for (int i = 0; i < 20; ++i) {
        std::latch done(1);
        executor.post([&] { done.count_down(); });
        done.wait();
        REQUIRE(thread_count() <= before + 2);  // the worker may not be idle again yet
    }
    executor.shutdown();
    CHECK(thread_count() == before);
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

ASYNC_TEST_CASE("default_executor: is one per loop, and wakes the loop from its threads") {
    EventLoop& loop = get_running_loop();
    ThreadPoolExecutor& executor = concurrent::default_executor(loop);
    CHECK(&executor == &concurrent::default_executor(loop));
    Promise<int> promise = loop.create_future<int>();
    Future<int> future = promise.get_future();
    executor.post([&loop, &promise, expected = loop.expect_wakeup()] {
        loop.call_soon_threadsafe([&promise] { promise.set_result(42); });
    });
    const int result = co_await future;
    CHECK(result == 42);
}

TEST_CASE("default_executor: its threads are joined when the loop closes") {
    const std::size_t before = thread_count();
    std::atomic<bool> done = false;
    testing::run_virtual([](std::atomic<bool>& flag) -> Task<> {
        concurrent::default_executor(get_running_loop()).post([&flag] {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            flag = true;
        });
        co_return;
    }(done));
    CHECK(done);
    CHECK(thread_count() == before);
}

#include <ringio/concurrent/broken_executor.hpp>

#include <ringio/concurrent/thread_pool_executor.hpp>
#include <support/catch.hpp>
#include <support/gate.hpp>
#include <support/printed.hpp>

#include <atomic>
#include <cstddef>
#include <latch>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

using namespace ringio::test_support;
using ringio::concurrent::BrokenExecutor;
using ringio::concurrent::BrokenProcessPool;
using ringio::concurrent::BrokenThreadPool;
using ringio::concurrent::Future;
using ringio::concurrent::ThreadPoolExecutor;

namespace {

const char* const pool_is_broken =
    "A thread initializer failed, the thread pool is not usable anymore";

}  // namespace

TEST_CASE("BrokenExecutor: is the runtime_error of which each pool has its kind") {
    static_assert(std::is_base_of_v<std::runtime_error, BrokenExecutor>);
    static_assert(std::is_base_of_v<BrokenExecutor, BrokenThreadPool>);
    static_assert(std::is_base_of_v<BrokenExecutor, BrokenProcessPool>);
    static_assert(!std::is_base_of_v<BrokenThreadPool, BrokenProcessPool>);
    CHECK_THROWS_WITH(throw BrokenProcessPool("a process ended"), "a process ended");
}

TEST_CASE("initializer: one that throws is printed; queued and later calls fail") {
    Gate gate;
    bool called = false;
    std::vector<Future<void>> queued;
    const std::string text = printed([&] {
        ThreadPoolExecutor pool({.max_workers = 1, .initializer = [&] {
                                     gate.pass();
                                     throw std::invalid_argument("no such database");
                                 }});
        for (int number = 0; number < 3; ++number) {
            queued.push_back(pool.submit([&] { called = true; }));
        }
        CHECK(queued[1].cancel());
        pool.post([&] { called = true; });
        gate.open();
        CHECK_THROWS_AS(queued[2].result(), BrokenThreadPool);
        CHECK_THROWS_WITH(pool.submit([] {}), pool_is_broken);
        CHECK_THROWS_AS(pool.post([] {}), BrokenExecutor);
        pool.shutdown();
        CHECK_THROWS_AS(pool.submit([] {}), BrokenThreadPool);
    });
    CHECK_THROWS_WITH(queued[0].result(), pool_is_broken);
    CHECK(queued[1].cancelled());
    CHECK_FALSE(called);
    CHECK_THAT(text, Catch::Matchers::StartsWith("Exception in initializer:"));
    CHECK_THAT(text, Catch::Matchers::Contains("std::invalid_argument: no such database"));
}

TEST_CASE("initializer: each thread whose own throws is printed") {
    std::latch both(2);
    const std::string text = printed([&] {
        ThreadPoolExecutor pool({.max_workers = 2, .initializer = [&] {
                                     both.arrive_and_wait();
                                     throw std::runtime_error("boom");
                                 }});
        const Future<void> first = pool.submit([] {});
        const Future<void> second = pool.submit([] {});
        CHECK_THROWS_AS(first.result(), BrokenThreadPool);
        CHECK_THROWS_AS(second.result(), BrokenThreadPool);
    });
    const std::size_t once = text.find("Exception in initializer:");
    REQUIRE(once != std::string::npos);
    CHECK(text.find("Exception in initializer:", once + 1) != std::string::npos);
}

TEST_CASE("initializer: what runs when another thread's fails goes on to its result") {
    std::atomic<int> threads = 0;
    Gate gate;
    const std::string text = printed([&] {
        ThreadPoolExecutor pool({.max_workers = 2, .initializer = [&] {
                                     if (++threads == 2) {
                                         throw std::runtime_error("boom");
                                     }
                                 }});
        const Future<int> running = pool.submit([&] {
            gate.pass();
            return 1;
        });
        gate.wait_until_reached();
        const Future<int> queued = pool.submit([] { return 2; });
        CHECK_THROWS_AS(queued.result(), BrokenThreadPool);
        CHECK_FALSE(running.done());
        gate.open();
        CHECK(running.result() == 1);
        CHECK_THROWS_AS(pool.submit([] {}), BrokenThreadPool);
    });
    CHECK_THAT(text, Catch::Matchers::Contains("boom"));
}

TEST_CASE("initializer: a callback of a future that fails with the pool may destroy the pool") {
    Gate gate;
    std::optional<ThreadPoolExecutor> pool;
    std::latch destroyed(1);
    static_cast<void>(printed([&] {
        pool.emplace(ringio::concurrent::ThreadPoolOptions{.max_workers = 1, .initializer = [&] {
                                                               gate.pass();
                                                               throw std::runtime_error("boom");
                                                           }});
        const Future<void> first = pool->submit([] {});
        const Future<void> second = pool->submit([] {});
        first.add_done_callback([&] {
            CHECK_THROWS_AS(pool->submit([] {}), BrokenThreadPool);
            pool.reset();
            destroyed.count_down();
        });
        gate.open();
        destroyed.wait();
        CHECK_THROWS_AS(second.result(), BrokenThreadPool);
    }));
}

TEST_CASE("initializer: map() in a pool that breaks throws it at the first result") {
    Gate gate;
    static_cast<void>(printed([&] {
        ThreadPoolExecutor pool({.max_workers = 1, .initializer = [&] {
                                     gate.pass();
                                     throw std::runtime_error("boom");
                                 }});
        auto results = pool.map([](int value) { return value; }, std::vector{1, 2, 3});
        gate.open();
        CHECK_THROWS_AS(results.next(), BrokenThreadPool);
        CHECK_FALSE(results.next());
    }));
}

#include <ringio/concurrent/initializer.hpp>

#include <ringio/concurrent/thread_pool_executor.hpp>
#include <ringio/tasks/run.hpp>
#include <ringio/tasks/sleep.hpp>
#include <support/catch.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

using ringio::by_move;
using ringio::concurrent::Future;
using ringio::concurrent::Initializer;
using ringio::concurrent::ThreadPoolExecutor;

namespace {

thread_local std::string connected_to;

void connect_to(const std::string& host, int port) {
    connected_to = host + ":" + std::to_string(port);
}

/// Counts how often one of its copies is destroyed that has not been moved from.
struct DestructionCounter {
    explicit DestructionCounter(int& counted) : count(&counted) {}
    DestructionCounter(DestructionCounter&& other) noexcept
        : count(std::exchange(other.count, nullptr)) {}
    ~DestructionCounter() {
        if (count != nullptr) {
            ++*count;
        }
    }
    int* count;
};

}  // namespace

TEST_CASE("Initializer: is called in each thread, once, before its first call") {
    std::atomic<int> calls = 0;
    std::latch both(2);
    ThreadPoolExecutor pool({.max_workers = 2, .initializer = [&] {
                                 ++calls;
                                 connected_to = "initialized";
                             }});
    CHECK(calls == 0);
    const auto look = [&] {
        both.arrive_and_wait();
        return connected_to;
    };
    const Future<std::string> first = pool.submit(look);
    const Future<std::string> second = pool.submit(look);
    CHECK(first.result() == "initialized");
    CHECK(second.result() == "initialized");
    CHECK(pool.submit([] { return connected_to; }).result() == "initialized");
    CHECK(calls == 2);
    CHECK(connected_to.empty());
}

TEST_CASE("Initializer: takes a function with its arguments") {
    ThreadPoolExecutor pool({.max_workers = 1, .initializer = {connect_to, "localhost", 5432}});
    CHECK(pool.submit([] { return connected_to; }).result() == "localhost:5432");
}

TEST_CASE("Initializer: takes references by std::ref, and what can only be moved") {
    std::atomic<int> count = 0;
    const Initializer adds(
        [](std::atomic<int>& number, const std::unique_ptr<int>& by) { number += *by; },
        std::ref(count), std::make_unique<int>(3));
    const Initializer copy = adds;
    adds();
    copy();
    CHECK(count == 6);
    auto owning = [owned = std::make_unique<int>(1), &count] { count += *owned; };
    const Initializer moved(by_move(owning));
    moved();
    CHECK(count == 7);
}

TEST_CASE("Initializer: none is none, and null is refused") {
    CHECK_FALSE(Initializer());
    CHECK(Initializer([] {}));
    void (*null)() = nullptr;
    CHECK_THROWS_WITH(Initializer(null), "initializer must be a callable");
    CHECK_THROWS_AS(Initializer(std::function<void()>()), std::invalid_argument);
}

TEST_CASE("Initializer: what it holds is destroyed once, with the pool") {
    int destroyed = 0;
    {
        ThreadPoolExecutor pool(
            {.max_workers = 2, .initializer = [counter = DestructionCounter(destroyed)] {
                 static_cast<void>(counter);
             }});
        pool.submit([] {}).result();
        CHECK(destroyed == 0);
    }
    CHECK(destroyed == 1);
}

// GCC 12: where an aggregate with owning members would be destroyed twice.
TEST_CASE("Initializer: what it holds is destroyed once, in the operand of a co_await, too") {
    int destroyed = 0;
    const auto ask = [&](const ringio::concurrent::ThreadPoolOptions& options) {
        CHECK(options.initializer);
        return ringio::sleep(std::chrono::seconds(0));
    };
    auto waiting = [&]() -> ringio::Task<> {
        DestructionCounter counter(destroyed);
        auto closure = [counter = std::move(counter)] { static_cast<void>(counter); };
        co_await ask({.max_workers = 2, .initializer = by_move(closure)});
    };
    ringio::run(waiting());
    CHECK(destroyed == 1);
}

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
#include <type_traits>
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

TEST_CASE("Initializer: takes references by std::ref, and what has a name by copy or by_move") {
    std::atomic<int> count = 0;
    const auto add = [](std::atomic<int>& number, const std::shared_ptr<int>& by) {
        number += *by;
    };
    auto three = std::make_shared<int>(3);
    const Initializer adds(add, std::ref(count), three);
    const Initializer copy = adds;
    CHECK(three.use_count() == 1);
    const auto call = copy.make();
    CHECK(three.use_count() == 2);
    call->run();
    adds.make()->run();
    CHECK(count == 6);
    auto owning = [owned = std::make_unique<int>(1), &count] { count += *owned; };
    const Initializer moved(by_move(owning));
    const auto other = moved.make();
    other->run();
    other->run();
    CHECK(count == 8);
}

TEST_CASE("Initializer: none is none, and null is refused") {
    CHECK_FALSE(Initializer());
    CHECK(Initializer().make() == nullptr);
    CHECK(Initializer([] {}));
    void (*null)() = nullptr;
    CHECK_THROWS_WITH(Initializer(null), "initializer must be a callable");
    const std::function<void()> empty;
    CHECK_THROWS_AS(Initializer(empty), std::invalid_argument);
}

TEST_CASE("Initializer: options with one may be named before the pool is made") {
    std::atomic<int> calls = 0;
    const ringio::concurrent::ThreadPoolOptions options{
        .max_workers = 1, .initializer = {[&calls](int by) { calls += by; }, 2}};
    ThreadPoolExecutor first(options);
    ThreadPoolExecutor second(options);
    first.submit([] {}).result();
    second.submit([] {}).result();
    CHECK(calls == 4);
}

TEST_CASE("Initializer: what is moved into it is destroyed once, with the pool") {
    int destroyed = 0;
    auto closure = [counter = DestructionCounter(destroyed)] { static_cast<void>(counter); };
    {
        ThreadPoolExecutor pool({.max_workers = 2, .initializer = by_move(closure)});
        pool.submit([] {}).result();
        CHECK(destroyed == 0);
    }
    CHECK(destroyed == 1);
}

// GCC 12: where temporaries with owning members would be destroyed twice.
TEST_CASE("Initializer: options with one may stand in the operand of a co_await") {
    static_assert(std::is_trivially_destructible_v<ringio::concurrent::ThreadPoolOptions>);
    int destroyed = 0;
    const auto ask = [](const ringio::concurrent::ThreadPoolOptions& options) {
        ThreadPoolExecutor(options).submit([] {}).result();
        return ringio::sleep(std::chrono::seconds(0));
    };
    auto waiting = [&]() -> ringio::Task<> {
        auto closure = [counter = DestructionCounter(destroyed)] { static_cast<void>(counter); };
        co_await ask({.max_workers = 2, .initializer = by_move(closure)});
    };
    ringio::run(waiting());
    CHECK(destroyed == 1);
}

#include <ringio/concurrent/as_completed.hpp>

#include <ringio/base/scope_exit.hpp>
#include <ringio/concurrent/thread_pool_executor.hpp>
#include <support/catch.hpp>
#include <support/gate.hpp>

#include "futures.hpp"

#include <chrono>
#include <latch>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using ringio::TimeoutError;
using namespace ringio::test_support;
using namespace std::chrono_literals;
namespace concurrent = ringio::concurrent;

namespace {

using Handles = std::vector<concurrent::Future<int>>;

template <class F>
std::vector<F> read_all(concurrent::AsCompleted<F>&& completed) {
    std::vector<F> futures;
    for (F future : completed) {
        futures.push_back(std::move(future));
    }
    return futures;
}

}  // namespace

TEST_CASE("concurrent as_completed: gives each future once, those that are done first") {
    Gate gate;
    concurrent::ThreadPoolExecutor pool(1);
    const ringio::ScopeExit opened([&gate] { gate.open(); });
    const concurrent::Future<int> first = pool.submit([&] {
        gate.pass();
        return 1;
    });
    const concurrent::Future<int> second = pool.submit([] { return 2; });
    const Handles before = {with_cancel(), with_exception(), with_result(3)};
    auto completed = concurrent::as_completed({second, before[0], first, before[1], before[2]});
    CHECK(completed.size() == 5);
    CHECK_FALSE(completed.empty());
    for (const concurrent::Future<int>& future : before) {
        CHECK(completed.next() == future);
    }
    gate.open();
    CHECK(completed.next() == first);
    CHECK(completed.next() == second);
    CHECK_FALSE(completed.next());
    CHECK_FALSE(completed.next());
}

TEST_CASE("concurrent as_completed: in the order of their ends, not of the arguments") {
    std::vector<concurrent::Promise<int>> promises(4);
    Handles futures;
    for (const auto& promise : promises) {
        futures.push_back(promise.get_future());
    }
    auto completed = concurrent::as_completed(futures);
    promises[2].set_result(2);
    futures[0].cancel();
    promises[3].set_exception(std::runtime_error("boom"));
    promises[1].set_result(1);
    CHECK(read_all(std::move(completed)) ==
          Handles{futures[2], futures[0], futures[3], futures[1]});
}

TEST_CASE("concurrent as_completed: of none there is none") {
    auto completed = concurrent::as_completed(Handles(), 0s);
    CHECK(completed.empty());
    CHECK(completed.begin() == completed.end());
    CHECK_FALSE(completed.next());
}

TEST_CASE("concurrent as_completed: a future that is given twice comes once") {
    concurrent::ThreadPoolExecutor pool(1);
    const concurrent::Future<int> future = pool.submit([] { return 1; });
    CHECK(read_all(concurrent::as_completed(std::views::iota(0, 3) |
                                            std::views::transform([&](int) { return future; }))) ==
          Handles{future});
}

TEST_CASE("concurrent as_completed: a handle that refers to nothing is refused") {
    CHECK_THROWS_AS(concurrent::as_completed(Handles(1)), std::invalid_argument);
}

TEST_CASE("concurrent as_completed: what is done comes before a timeout that has passed") {
    for (const ringio::Delay timeout :
         {ringio::Delay(0s), ringio::Delay(1ms), ringio::Delay(-1s)}) {
        concurrent::Promise<int> pending;
        const Handles before = {with_cancel(), with_exception(), with_result(1)};
        Handles futures = before;
        futures.push_back(pending.get_future());
        Handles seen;
        CHECK_THROWS_AS(
            [&] {
                for (auto future : concurrent::as_completed(futures, timeout)) {
                    seen.push_back(future);
                }
            }(),
            TimeoutError);
        CHECK(seen == before);
        CHECK_FALSE(futures.back().done());
    }
}

TEST_CASE("concurrent as_completed: a timeout tells how many are left, as Python's") {
    concurrent::Promise<int> pending;
    concurrent::Promise<int> running;
    running.set_running_or_notify_cancel();
    CHECK_THROWS_WITH(
        read_all(concurrent::as_completed({with_cancel(), pending.get_future(),
                                           running.get_future(), with_result(1), with_exception()},
                                          0s)),
        "2 (of 5) futures unfinished");
}

TEST_CASE("concurrent as_completed: may be asked again after a timeout") {
    concurrent::Promise<int> promise;
    auto completed = concurrent::as_completed({promise.get_future()}, 0s);
    CHECK_THROWS_AS(completed.next(), TimeoutError);
    CHECK_THROWS_WITH(completed.next(), "1 (of 1) futures unfinished");
    promise.set_result(7);
    CHECK(completed.next()->result() == 7);
    CHECK_FALSE(completed.next());
}

TEST_CASE("concurrent as_completed: a timeout beyond the end of the clock is none") {
    concurrent::ThreadPoolExecutor pool(1);
    CHECK(read_all(
              concurrent::as_completed({pool.submit([] { return 1; })}, std::chrono::hours::max()))
              .size() == 1);
}

TEST_CASE("concurrent as_completed: a future that was given out is not kept") {
    concurrent::ThreadPoolExecutor pool(2);
    std::vector<concurrent::Future<std::shared_ptr<int>>> futures;
    for (int number = 0; number < 8; ++number) {
        futures.push_back(pool.submit([number] { return std::make_shared<int>(number); }));
    }
    int sum = 0;
    for (auto future : concurrent::as_completed(std::move(futures))) {
        CHECK_FALSE(future.shared_state()->is_shared());
        const std::shared_ptr<int> value = std::move(future).result();
        CHECK(value.use_count() == 1);
        sum += *value;
    }
    CHECK(sum == 28);
}

TEST_CASE("concurrent as_completed: what is read no further lets the futures go") {
    concurrent::Promise<int> ended;
    concurrent::Promise<int> pending;
    ended.set_result(1);
    const concurrent::Future<int> future = pending.get_future();
    for (auto first : concurrent::as_completed({ended.get_future(), future})) {
        CHECK(first.result() == 1);
        break;
    }
    CHECK_FALSE(future.shared_state()->is_shared());
    pending.set_result(2);
}

TEST_CASE("concurrent as_completed: is an input range; its values may be moved out") {
    using Completed = concurrent::AsCompleted<concurrent::Future<int>>;
    static_assert(std::ranges::input_range<Completed>);
    static_assert(!std::ranges::forward_range<Completed>);
    static_assert(!std::is_move_constructible_v<Completed>);
    auto completed = concurrent::as_completed({with_result(1), with_result(2), with_result(3)});
    int sum = 0;
    for (const auto& future : completed | std::views::take(1)) {
        sum += future.result();
    }
    CHECK(sum == 1);
}

TEST_CASE("concurrent as_completed: the next one may be submitted while it is read") {
    concurrent::ThreadPoolExecutor pool(2);
    Handles futures = {pool.submit([] { return 3; })};
    std::string log;
    while (!futures.empty()) {
        Handles more;
        for (auto future : concurrent::as_completed(std::move(futures))) {
            const int left = future.result();
            log += std::to_string(left);
            if (left > 0) {
                more.push_back(pool.submit([left] { return left - 1; }));
            }
        }
        futures = std::move(more);
    }
    CHECK(log == "3210");
}

TEST_CASE("concurrent as_completed: a hundred that end at the same time are given once each") {
    for (int round = 0; round < 20; ++round) {
        concurrent::ThreadPoolExecutor pool(4);
        std::latch event(1);
        Handles futures;
        for (int number = 0; number < 100; ++number) {
            futures.push_back(pool.submit([&, number] {
                event.wait();
                return number;
            }));
        }
        auto completed = concurrent::as_completed(futures);
        event.count_down();
        int sum = 0;
        for (auto future : completed) {
            sum += future.result();
        }
        REQUIRE(sum == 4950);
    }
}

// For the sanitizers to see.
TEST_CASE("concurrent as_completed: what ends while it is destroyed does no harm") {
    for (int round = 0; round < 200; ++round) {
        std::vector<concurrent::Promise<int>> promises(4);
        std::optional<concurrent::AsCompleted<concurrent::Future<int>>> completed;
        completed.emplace(Handles{promises[0].get_future(), promises[1].get_future(),
                                  promises[2].get_future(), promises[3].get_future()},
                          std::nullopt);
        std::latch both(2);
        std::thread setter([&] {
            both.arrive_and_wait();
            for (auto& promise : promises) {
                promise.set_result(1);
            }
        });
        both.arrive_and_wait();
        completed->next();
        completed.reset();
        setter.join();
    }
}

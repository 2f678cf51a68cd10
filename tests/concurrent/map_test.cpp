#include <ringio/concurrent/map.hpp>

#include <ringio/base/scope_exit.hpp>
#include <ringio/concurrent/thread_pool_executor.hpp>
#include <support/catch.hpp>
#include <support/gate.hpp>

#include "futures.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

using ringio::by_move;
using ringio::CancelledError;
using ringio::TimeoutError;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::concurrent::Future;
using ringio::concurrent::MapResults;
using ringio::concurrent::ThreadPoolExecutor;

namespace {

int squared(int value) { return value * value; }

int divided(int a, int b) {
    if (b == 0) {
        throw std::domain_error("division by zero");
    }
    return a / b;
}

template <class R>
auto values_of(MapResults<R>&& results) {
    std::vector<typename MapResults<R>::value_type> values;
    for (auto&& value : results) {
        values.push_back(std::move(value));
    }
    return values;
}

}  // namespace

TEST_CASE("map: gives the results in the order of the input") {
    ThreadPoolExecutor pool(2);
    std::latch second(1);
    // The first call ends after the second one.
    const auto call = [&](int value) {
        if (value == 0) {
            second.wait();
        } else if (value == 1) {
            second.count_down();
        }
        return squared(value);
    };
    CHECK(values_of(pool.map(call, std::views::iota(0, 5))) == std::vector{0, 1, 4, 9, 16});
}

TEST_CASE("map: takes two ranges, until the shorter ends") {
    ThreadPoolExecutor pool(2);
    const std::vector<double> bases = {2, 3, 4};
    const auto power = [](double base, int exponent) { return std::pow(base, exponent); };
    CHECK(values_of(pool.map(power, bases, std::vector{1, 2, 3})) == std::vector<double>{2, 9, 64});
    CHECK(values_of(pool.map(power, bases, std::views::iota(2))) ==
          std::vector<double>{4, 27, 256});
    CHECK(values_of(pool.map(power, bases, std::vector{2})) == std::vector<double>{4});
    CHECK(values_of(pool.map(power, bases, std::vector<int>(), {.buffersize = 1})).empty());
}

TEST_CASE("map: an exception is thrown at its place, and is the end") {
    ThreadPoolExecutor pool(2);
    auto results = pool.map(divided, std::vector{5, 5, 5, 5}, std::vector{2, 3, 0, 5});
    CHECK(results.next() == 2);
    CHECK(results.next() == 1);
    CHECK_THROWS_WITH(results.next(), "division by zero");
    CHECK_FALSE(results.next());
    CHECK_FALSE(results.next());
}

TEST_CASE("map: an exception cancels the calls that have not begun") {
    Gate gate;
    ThreadPoolExecutor pool(1);
    const ringio::ScopeExit opened([&gate] { gate.open(); });
    std::string log;
    auto results = pool.map(
        [&](int value) -> int {
            log += std::to_string(value);
            if (value == 0) {
                throw std::runtime_error("boom");
            }
            gate.pass();  // so that the others wait behind it
            return value;
        },
        std::views::iota(0, 5));
    gate.wait_until_reached();
    CHECK_THROWS_WITH(results.next(), "boom");
    gate.open();
    pool.shutdown();
    CHECK(log == "01");
}

TEST_CASE("map: begins without being read, and results that nobody asks for cancel nothing") {
    ThreadPoolExecutor pool(2);
    std::mutex mutex;
    std::set<int> finished;
    pool.map(
        [&](int value) {
            const std::lock_guard lock(mutex);
            finished.insert(value);
        },
        std::views::iota(0, 10));
    pool.shutdown();
    CHECK(finished.size() == 10);
}

TEST_CASE("map: results that are read no further cancel the calls that have not begun") {
    Gate gate;
    ThreadPoolExecutor pool(1);
    const ringio::ScopeExit opened([&gate] { gate.open(); });
    std::atomic<int> calls = 0;
    const auto call = [&](int value) {
        if (++calls == 2) {
            gate.pass();
        }
        return value;
    };
    for (const int value : pool.map(call, std::views::iota(0, 10))) {
        CHECK(value == 0);
        gate.wait_until_reached();
        break;
    }
    gate.open();
    pool.shutdown();
    CHECK(calls == 2);
}

TEST_CASE("map: a timeout counts from the call, and what is done in time is given") {
    Gate gate;
    ThreadPoolExecutor pool(1);
    const ringio::ScopeExit opened([&gate] { gate.open(); });
    const auto call = [&](int value) {
        if (value == 2) {
            gate.pass();
        }
        return value;
    };
    auto results = pool.map(call, std::views::iota(0, 4), {.timeout = 0s});
    gate.wait_until_reached();
    CHECK(results.next() == 0);
    CHECK(results.next() == 1);
    CHECK_THROWS_AS(results.next(), TimeoutError);
    CHECK_FALSE(results.next());
}

TEST_CASE("map: a timeout cancels also the call that was waited for") {
    std::string log;
    {
        Gate gate;
        ThreadPoolExecutor pool(1);
        const ringio::ScopeExit opened([&gate] { gate.open(); });
        const auto log_and_wait = [&](const std::string& name) {
            log += name + " started ";
            gate.pass();
            log += name + " stopped";
        };
        const Future<void> first = pool.submit(log_and_wait, "first");
        gate.wait_until_reached();
        {
            auto results = pool.map(log_and_wait, std::vector<std::string>{"second", "third"},
                                    {.timeout = 0s});
            CHECK_THROWS_AS(results.next(), TimeoutError);
        }
        gate.open();
    }
    CHECK(log == "first started first stopped");
}

TEST_CASE("map: a TimeoutError of a call is an exception like others") {
    for (const std::optional<ringio::Delay> timeout :
         {std::optional<ringio::Delay>(),
          std::optional<ringio::Delay>(std::chrono::hours::max())}) {
        ThreadPoolExecutor pool(2);
        auto results = pool.map(
            [](int value) {
                if (value == 1) {
                    throw TimeoutError("its own");
                }
                return value;
            },
            std::views::iota(0, 4), {.timeout = timeout});
        CHECK(results.next() == 0);
        CHECK_THROWS_WITH(results.next(), "its own");
        CHECK_FALSE(results.next());
    }
}

TEST_CASE("map: a buffersize of any length changes no result") {
    ThreadPoolExecutor pool(2);
    for (const std::size_t size : {1U, 2U, 4U, 8U}) {
        CHECK(values_of(pool.map(squared, std::views::iota(0, 4), {.buffersize = size})) ==
              std::vector{0, 1, 4, 9});
        CHECK(values_of(pool.map(std::plus<int>(), std::views::iota(0, 4), std::views::iota(0),
                                 {.buffersize = size})) == std::vector{0, 2, 4, 6});
    }
}

TEST_CASE("map: with a buffersize the input may have no end") {
    ThreadPoolExecutor pool(2);
    auto results = pool.map(squared, std::views::iota(0), {.buffersize = 2});
    CHECK(results.next() == 0);
    CHECK(results.next() == 1);
    CHECK(results.next() == 4);
    auto sums =
        pool.map(std::plus<int>(), std::views::iota(0), std::views::iota(0), {.buffersize = 2});
    CHECK(sums.next() == 0);
    CHECK(sums.next() == 2);
    CHECK(sums.next() == 4);
}

TEST_CASE("map: reads so much of the input as the buffersize, and one more for each result") {
    ThreadPoolExecutor pool(2);
    int read = 0;
    auto input = std::views::iota(0, 10) | std::views::transform([&](int value) {
                     ++read;
                     return value;
                 });
    auto results = pool.map(squared, input, {.buffersize = 3});
    CHECK(read == 3);
    CHECK(results.next() == 0);
    CHECK(read == 4);
    CHECK(results.next() == 1);
    CHECK(read == 5);
    pool.map(squared, input, {.buffersize = 2});
    CHECK(read == 7);
}

TEST_CASE("map: takes no more from an input that can be read once than it submits") {
    ThreadPoolExecutor pool(1);
    std::istringstream text("1 2 3 4");
    {
        auto results = pool.map(squared, std::views::istream<int>(text), {.buffersize = 2});
        CHECK(results.next() == 1);
    }
    int next = 0;
    text >> next;
    CHECK(next == 4);
}

TEST_CASE("map: of an empty input there are no results, also after shutdown") {
    ThreadPoolExecutor pool(1);
    CHECK_FALSE(pool.map(squared, std::vector<int>()).next());
    CHECK_FALSE(pool.map(squared, std::vector<int>(), {.buffersize = 2}).next());
    pool.shutdown();
    CHECK_FALSE(pool.map(squared, std::vector<int>()).next());
    CHECK_THROWS_WITH(pool.map(squared, std::vector{1}),
                      "cannot schedule new futures after shutdown");
}

TEST_CASE("map: a shutdown behind a buffersize ends the results with its error") {
    ThreadPoolExecutor pool(1);
    auto results = pool.map(squared, std::views::iota(0), {.buffersize = 1});
    pool.shutdown();
    CHECK_THROWS_WITH(results.next(), "cannot schedule new futures after shutdown");
    CHECK_FALSE(results.next());
}

TEST_CASE("map: its results may outlive the pool") {
    std::optional<ThreadPoolExecutor> pool(2);
    auto results = pool->map([](int value) { return std::abs(value); }, std::views::iota(-3, 3));
    pool.reset();
    CHECK(values_of(std::move(results)) == std::vector{3, 2, 1, 0, 1, 2});
}

TEST_CASE("map: a function of nothing gives std::monostate for each call") {
    ThreadPoolExecutor pool(2);
    std::atomic<int> sum = 0;
    auto results = pool.map([&](int value) { sum += value; }, std::vector{1, 2, 3});
    CHECK(results.next() == std::monostate());
    CHECK(values_of(std::move(results)).size() == 2);
    CHECK(sum == 6);
}

TEST_CASE("map: results are moved out, and not kept") {
    ThreadPoolExecutor pool(2);
    for (auto value : pool.map([](int number) { return std::make_shared<int>(number); },
                               std::views::iota(0, 10))) {
        CHECK(value.use_count() == 1);
    }
    int expected = 0;
    for (const std::unique_ptr<int>& value : pool.map(
             [](int number) { return std::make_unique<int>(number); }, std::views::iota(0, 3))) {
        CHECK(*value == expected++);
    }
    CHECK(expected == 3);
}

TEST_CASE("map: elements of a range that stays are copied, of one that is given away moved") {
    ThreadPoolExecutor pool(1);
    std::vector<std::string> names = {"a name that is long enough for the heap", "another"};
    const auto length = [](std::string name) { return name.size(); };
    CHECK(values_of(pool.map(length, names)) == std::vector<std::size_t>{39, 7});
    CHECK(names[1] == "another");
    CHECK(values_of(pool.map(length, by_move(names))) == std::vector<std::size_t>{39, 7});
    CHECK(names.empty());

    std::vector<std::unique_ptr<int>> owned;
    owned.push_back(std::make_unique<int>(1));
    owned.push_back(std::make_unique<int>(2));
    const auto add = [](std::unique_ptr<int> value, int more) { return *value + more; };
    CHECK(values_of(pool.map(add, std::move(owned), std::vector{10, 20})) == std::vector{11, 22});
}

TEST_CASE("map: calls may be given pointers or std::ref instead of copies") {
    ThreadPoolExecutor pool(2);
    std::array<std::string, 2> names = {"one", "two"};
    auto references = names | std::views::transform([](std::string& name) { return &name; });
    for (auto done : pool.map([](std::string* name) { *name += "!"; }, references)) {
        static_cast<void>(done);
    }
    CHECK(names == std::array<std::string, 2>{"one!", "two!"});
}

TEST_CASE("map: takes a function that can only be moved, and member functions") {
    ThreadPoolExecutor pool(2);
    auto add = [owned = std::make_unique<int>(10)](int value) { return *owned + value; };
    CHECK(values_of(pool.map(by_move(add), std::vector{1, 2})) == std::vector{11, 12});
    const std::vector<std::string> names = {"a", "abc"};
    CHECK(values_of(pool.map(&std::string::size, names)) == std::vector<std::size_t>{1, 3});
}

TEST_CASE("map: a call may be cancelled by the shutdown, which is thrown at its place") {
    Gate gate;
    ThreadPoolExecutor pool(1);
    const ringio::ScopeExit opened([&gate] { gate.open(); });
    auto results = pool.map(
        [&](int value) {
            if (value == 1) {
                gate.pass();
            }
            return value;
        },
        std::views::iota(0, 4));
    gate.wait_until_reached();
    pool.shutdown({.wait = false, .cancel_futures = true});
    gate.open();
    CHECK(results.next() == 0);
    CHECK(results.next() == 1);
    CHECK_THROWS_AS(results.next(), CancelledError);
    CHECK_FALSE(results.next());
    pool.shutdown();
}

TEST_CASE("map: an input that throws is told of; what was submitted before is cancelled") {
    Gate gate;
    ThreadPoolExecutor pool(1);
    const ringio::ScopeExit opened([&gate] { gate.open(); });
    const Future<void> holder = pool.submit([&] { gate.pass(); });
    std::atomic<int> calls = 0;
    const auto input = std::views::iota(0, 4) | std::views::transform([](int value) {
                           if (value == 2) {
                               throw std::runtime_error("the input ends here");
                           }
                           return value;
                       });
    CHECK_THROWS_WITH(pool.map([&](int) { ++calls; }, input), "the input ends here");
    gate.open();
    pool.shutdown();
    CHECK(calls == 0);
}

TEST_CASE("MapResults: are what an executor makes of any function that submits") {
    using Chunk = std::vector<int>;
    int submitted = 0;
    MapResults<Chunk> results(
        [&]() -> std::optional<Future<Chunk>> {
            if (submitted == 3) {
                return std::nullopt;
            }
            ringio::concurrent::Promise<Chunk> promise;
            promise.set_result(Chunk(2, submitted++));
            return promise.get_future();
        },
        {.buffersize = 1});
    CHECK(submitted == 1);
    static_assert(std::ranges::input_range<MapResults<Chunk>>);
    static_assert(!std::is_copy_constructible_v<MapResults<Chunk>>);
    MapResults<Chunk> moved = std::move(results);
    CHECK(moved.next() == Chunk{0, 0});
    CHECK(submitted == 2);
    CHECK(values_of(std::move(moved)) == std::vector<Chunk>{{1, 1}, {2, 2}});
    CHECK_FALSE(MapResults<Chunk>(nullptr, {}).next());
}

TEST_CASE("MapResults: of which some were read cancel the rest when they go") {
    std::vector<ringio::concurrent::Promise<int>> promises(3);
    promises[0].set_result(1);
    std::size_t at = 0;
    std::optional<MapResults<int>> results;
    results.emplace(
        [&]() -> std::optional<Future<int>> {
            return at < promises.size() ? std::optional(promises[at++].get_future()) : std::nullopt;
        },
        ringio::concurrent::MapOptions());
    CHECK(results->next() == 1);
    CHECK_FALSE(promises[1].cancelled());
    results.reset();
    CHECK(promises[1].cancelled());
    CHECK(promises[2].cancelled());
}

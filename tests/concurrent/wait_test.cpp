#include <ringio/concurrent/wait.hpp>

#include <ringio/base/scope_exit.hpp>
#include <ringio/concurrent/thread_pool_executor.hpp>
#include <support/catch.hpp>
#include <support/gate.hpp>

#include "futures.hpp"

#include <array>
#include <chrono>
#include <latch>
#include <list>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

using ringio::ReturnWhen;
using namespace ringio::test_support;
using namespace std::chrono_literals;
namespace concurrent = ringio::concurrent;

namespace {

using Futures = std::vector<concurrent::Future<int>>;

}  // namespace

TEST_CASE("concurrent wait: for all of them, whatever becomes of each, in the order given") {
    concurrent::ThreadPoolExecutor pool(2);
    const Futures futures = {
        with_result(1), with_cancel(), with_exception(),
        pool.submit([]() -> int { throw std::domain_error("division by zero"); }),
        pool.submit([] { return 42; })};
    const auto [done, not_done] = concurrent::wait(futures);
    CHECK(done == futures);
    CHECK(not_done.empty());
    static_assert(std::is_same_v<decltype(done), const Futures>);
}

TEST_CASE("concurrent wait: for none of them the result is empty, at once") {
    for (const ReturnWhen when :
         {ReturnWhen::all_completed, ReturnWhen::first_completed, ReturnWhen::first_exception}) {
        const auto [done, not_done] = concurrent::wait(Futures(), {.return_when = when});
        CHECK(done.empty());
        CHECK(not_done.empty());
    }
}

TEST_CASE("concurrent wait: a future that is given twice counts once") {
    concurrent::ThreadPoolExecutor pool(1);
    const concurrent::Future<int> future = pool.submit([] { return 2; });
    const auto all = concurrent::wait({future, future});
    CHECK(all.done == Futures{future});
    CHECK(all.not_done.empty());
    concurrent::Promise<int> pending;
    const auto none =
        concurrent::wait({pending.get_future(), pending.get_future()}, {.timeout = 0s});
    CHECK(none.done.empty());
    CHECK(none.not_done == Futures{pending.get_future()});
}

TEST_CASE("concurrent wait: a handle that refers to nothing is refused") {
    CHECK_THROWS_AS(concurrent::wait(Futures{with_result(1), {}}), std::invalid_argument);
    CHECK_THROWS_WITH(concurrent::wait(Futures(1)),
                      "this handle refers to no future: it was default-constructed or moved from");
}

TEST_CASE("concurrent wait: for the first of them") {
    Gate gate;
    concurrent::ThreadPoolExecutor pool(2);
    const ringio::ScopeExit opened([&gate] { gate.open(); });
    const auto wait_at_gate = [&] {
        gate.pass();
        return 2;
    };
    const Futures futures = {pool.submit([] { return 1; }), pool.submit(wait_at_gate)};
    const auto [done, not_done] =
        concurrent::wait(futures, {.return_when = ReturnWhen::first_completed});
    CHECK(done == Futures{futures[0]});
    CHECK(not_done == Futures{futures[1]});
    gate.open();
    CHECK(futures[1].result() == 2);
}

TEST_CASE("concurrent wait: for the first of them, where some are done already") {
    concurrent::Promise<int> pending;
    const Futures futures = {with_cancel(), pending.get_future(), with_result(1)};
    const auto [done, not_done] =
        concurrent::wait(futures, {.return_when = ReturnWhen::first_completed});
    CHECK(done == Futures{futures[0], futures[2]});
    CHECK(not_done == Futures{futures[1]});
}

// In CPython this one is done only when its worker has seen that it is cancelled.
TEST_CASE("concurrent wait: one that is cancelled in the queue is done at once") {
    Gate gate;
    concurrent::ThreadPoolExecutor pool(1);
    const ringio::ScopeExit opened([&gate] { gate.open(); });
    const Futures futures = {pool.submit([&] {
                                 gate.pass();
                                 return 1;
                             }),
                             pool.submit([] { return 2; })};
    futures[1].cancel();
    const auto [done, not_done] =
        concurrent::wait(futures, {.return_when = ReturnWhen::first_completed});
    CHECK(done == Futures{futures[1]});
    CHECK(not_done == Futures{futures[0]});
}

TEST_CASE("concurrent wait: for the first exception") {
    Gate gate;
    concurrent::ThreadPoolExecutor pool(3);
    const ringio::ScopeExit opened([&gate] { gate.open(); });
    const concurrent::Future<int> first = pool.submit([] { return 42; });
    const concurrent::Future<int> failed = pool.submit([&]() -> int {
        first.result();
        throw std::runtime_error("boom");
    });
    const concurrent::Future<int> held = pool.submit([&] {
        gate.pass();
        return 3;
    });
    const auto [done, not_done] =
        concurrent::wait({first, failed, held}, {.return_when = ReturnWhen::first_exception});
    CHECK(done == Futures{first, failed});
    CHECK(not_done == Futures{held});
}

TEST_CASE("concurrent wait: for the first exception, where some are done already") {
    Gate gate;
    concurrent::ThreadPoolExecutor pool(2);
    const ringio::ScopeExit opened([&gate] { gate.open(); });
    const concurrent::Future<int> failed =
        pool.submit([]() -> int { throw std::runtime_error("boom"); });
    const concurrent::Future<int> held = pool.submit([&] {
        gate.pass();
        return 3;
    });
    const Futures before = {with_result(1), with_cancel()};
    const auto [done, not_done] = concurrent::wait({before[0], before[1], failed, held},
                                                   {.return_when = ReturnWhen::first_exception});
    CHECK(done == Futures{before[0], before[1], failed});
    CHECK(not_done == Futures{held});
}

TEST_CASE("concurrent wait: for the first exception, where one has failed already") {
    concurrent::Promise<int> pending;
    const Futures futures = {pending.get_future(), with_exception()};
    const auto [done, not_done] =
        concurrent::wait(futures, {.return_when = ReturnWhen::first_exception});
    CHECK(done == Futures{futures[1]});
    CHECK(not_done == Futures{futures[0]});
}

TEST_CASE("concurrent wait: for the first exception, where there is none, is for all of them") {
    concurrent::ThreadPoolExecutor pool(1);
    const Futures futures = {with_cancel(), pool.submit([] { return 1; })};
    const auto [done, not_done] =
        concurrent::wait(futures, {.return_when = ReturnWhen::first_exception});
    CHECK(done == futures);
    CHECK(not_done.empty());
}

TEST_CASE("concurrent wait: a timeout that passes is no error") {
    concurrent::Promise<int> pending;
    const Futures futures = {with_cancel(), with_exception(), with_result(1), pending.get_future()};
    for (const ringio::Delay timeout :
         {ringio::Delay(1ms), ringio::Delay(0s), ringio::Delay(-1s)}) {
        const auto [done, not_done] = concurrent::wait(futures, {.timeout = timeout});
        CHECK(done == Futures(futures.begin(), futures.end() - 1));
        CHECK(not_done == Futures{futures[3]});
    }
    CHECK(futures[3].cancel());  // the wait did not
}

TEST_CASE("concurrent wait: a timeout beyond the end of the clock is none") {
    concurrent::ThreadPoolExecutor pool(1);
    const Futures futures = {pool.submit([] { return 1; })};
    CHECK(concurrent::wait(futures, {.timeout = std::chrono::hours::max()}).done == futures);
}

TEST_CASE("concurrent wait: takes any range of handles, and looks at what it is lent") {
    const std::array<concurrent::Future<int>, 2> lent = {with_result(1), with_result(2)};
    CHECK(concurrent::wait(lent).done.size() == 2);
    CHECK(lent[0].valid());
    CHECK(concurrent::wait(std::list<concurrent::Future<int>>(2, lent[0])).done.size() == 1);
    const auto twice = std::views::iota(0, 4) |
                       std::views::transform([](int value) { return with_result(value); });
    CHECK(concurrent::wait(twice).done.back().result() == 3);
    CHECK(concurrent::wait(lent | std::views::reverse).done.front() == lent[1]);
    concurrent::Promise<> nothing;
    nothing.set_result();
    CHECK(concurrent::wait({nothing.get_future()}).done.size() == 1);
}

TEST_CASE("concurrent wait: handles of a range that is given away are not kept in it") {
    Futures given = {with_result(1), with_result(2)};
    Futures kept = concurrent::wait(std::move(given)).done;
    CHECK(kept.size() == 2);
    CHECK_FALSE(kept[0].shared_state()->is_shared());
}

TEST_CASE("concurrent wait: for a hundred that end at the same time") {
    for (int round = 0; round < 20; ++round) {
        concurrent::ThreadPoolExecutor pool(5);
        std::latch event(1);
        Futures futures;
        for (int number = 0; number < 100; ++number) {
            futures.push_back(pool.submit([&] {
                event.wait();
                return 1;
            }));
        }
        event.count_down();
        REQUIRE(concurrent::wait(futures).done.size() == 100);
    }
}

TEST_CASE("concurrent wait: several threads may wait for the same futures, each in its way") {
    Gate gate;
    concurrent::ThreadPoolExecutor pool(2);
    const ringio::ScopeExit opened([&gate] { gate.open(); });
    const Futures futures = {pool.submit([] { return 1; }), pool.submit([&] {
                                 gate.pass();
                                 return 2;
                             })};
    std::thread first([&] {
        concurrent::wait(futures, {.return_when = ReturnWhen::first_completed});
        gate.open();
    });
    CHECK(concurrent::wait(futures).done == futures);
    first.join();
}

// Whoever waits may take everything away at once: for the sanitizers to see.
TEST_CASE("concurrent wait: the promise may go as soon as it is over") {
    for (int round = 0; round < 200; ++round) {
        auto promise = std::make_unique<concurrent::Promise<int>>();
        std::thread setter([promise = promise.get()] { promise->set_result(1); });
        {
            Futures futures = {promise->get_future()};
            concurrent::wait(std::move(futures), {.return_when = ReturnWhen::first_completed});
        }
        promise.reset();
        setter.join();
    }
}

// The future ends, or not, while the wait for it is given up.
TEST_CASE("concurrent wait: a future may end while the timeout passes") {
    for (int round = 0; round < 200; ++round) {
        concurrent::Promise<int> promise;
        std::latch both(2);
        std::thread setter([&] {
            both.arrive_and_wait();
            promise.set_result(1);
        });
        both.arrive_and_wait();
        const auto [done, not_done] = concurrent::wait({promise.get_future()}, {.timeout = 1us});
        CHECK(done.size() + not_done.size() == 1);
        setter.join();
    }
}

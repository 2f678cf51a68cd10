#include <ringio/sync/capacity_limiter.hpp>

#include "sync_scenario.hpp"

#include <memory>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

constexpr const char* has_one = "this borrower already holds a token of this CapacityLimiter";
constexpr const char* has_none = "this borrower holds no token of this CapacityLimiter";

/// Borrows a token for a second, and logs "name+" and "name-".
Task<> use(CapacityLimiter& limiter, EventLog& log, std::string name) {
    const auto token = co_await limiter.scoped();
    log(name + "+");
    co_await sleep(1s);
    log(name + "-");
}

}  // namespace

ASYNC_TEST_CASE("CapacityLimiter: lends so many tokens, and knows how many") {
    CapacityLimiter limiter(2);
    EventLog log;
    CHECK(limiter.repr() == "<CapacityLimiter [borrowed:0/2]>");
    auto a = create_task(use(limiter, log, "a"));
    auto b = create_task(use(limiter, log, "b"));
    auto c = create_task(use(limiter, log, "c"));
    co_await turns(1);
    CHECK(limiter.total_tokens() == 2);
    CHECK(limiter.borrowed_tokens() == 2);
    CHECK(limiter.available_tokens() == 0);
    CHECK(limiter.statistics().waiting == 1);
    CHECK(fmt::format("{}", limiter) == "<CapacityLimiter [borrowed:2/2, waiters:1]>");
    co_await gather(a, b, c);
    CHECK(log.joined() == "a+ b+ a- b- c+ c-");
    CHECK(limiter.available_tokens() == 2);
}

ASYNC_TEST_CASE("CapacityLimiter: a task cannot borrow twice, nor give back what it has not",
                "[any_order]") {
    CapacityLimiter limiter(2);
    CHECK_THROWS_WITH(limiter.release(), has_none);
    co_await limiter.acquire();
    auto twice = [&limiter]() -> Task<> { co_await limiter.acquire(); };
    CHECK_AWAIT(text_of<std::runtime_error>(limiter.acquire()), has_one);
    auto other = [&limiter]() -> Task<> {
        CHECK_THROWS_WITH(limiter.release(), has_none);
        co_await limiter.acquire();
        limiter.release();
    };
    co_await create_task(other());
    CHECK(limiter.borrowed_tokens() == 1);
    limiter.release();
    co_await twice();
    limiter.release();
}

ASYNC_TEST_CASE("CapacityLimiter: a token may be given back early, moved, and by another task",
                "[any_order]") {
    CapacityLimiter limiter(1);
    auto token = co_await limiter.scoped();
    auto moved = std::move(token);
    CHECK_FALSE(token);
    CHECK(moved);
    auto drop = [](CapacityToken held) -> Task<> {
        held.release();
        held.release();
        co_return;
    };
    co_await create_task(drop(std::move(moved)));
    CHECK(limiter.borrowed_tokens() == 0);
    {
        const auto again = co_await limiter.scoped();
        limiter.release();
    }
    CHECK(limiter.borrowed_tokens() == 0);
}

ASYNC_TEST_CASE("CapacityLimiter: borrows on behalf of something that is no task") {
    CapacityLimiter limiter(2);
    int thread = 0;
    int other = 0;
    int third = 0;
    co_await limiter.acquire_on_behalf_of(&thread);
    CHECK_AWAIT(text_of<std::runtime_error>(limiter.acquire_on_behalf_of(&thread)), has_one);
    co_await limiter.acquire_on_behalf_of(&other);
    CHECK_THROWS_WITH(limiter.release(), has_none);
    // Twice in the queue: the second one finds out when its turn comes.
    auto first = create_task(limiter.acquire_on_behalf_of(&third));
    auto second = create_task(limiter.acquire_on_behalf_of(&third));
    co_await turns(1);
    limiter.release_on_behalf_of(&thread);
    limiter.release_on_behalf_of(&other);
    co_await first;
    CHECK_AWAIT(text_of<std::runtime_error>(second), has_one);
    CHECK(limiter.borrowed_tokens() == 1);
    limiter.release_on_behalf_of(&third);
    CHECK_THROWS_WITH(limiter.release_on_behalf_of(&third), has_none);
}

ASYNC_TEST_CASE("CapacityLimiter: who does not wait has a token only if one is free") {
    CapacityLimiter limiter(2);
    int thread = 0;
    CHECK(limiter.acquire_nowait());
    CHECK_THROWS_WITH(limiter.acquire_nowait(), has_one);
    CHECK(limiter.acquire_on_behalf_of_nowait(&thread));
    int other = 0;
    CHECK_FALSE(limiter.acquire_on_behalf_of_nowait(&other));
    CHECK_THROWS_WITH(limiter.acquire_on_behalf_of_nowait(&thread), has_one);
    auto waiting = create_task(limiter.acquire_on_behalf_of(&other));
    co_await turns(1);
    limiter.release();
    CHECK_FALSE(limiter.acquire_nowait());  // it is on its way to who waited
    co_await waiting;
    limiter.release_on_behalf_of(&other);
    limiter.release_on_behalf_of(&thread);
    CHECK(limiter.borrowed_tokens() == 0);
}

ASYNC_TEST_CASE("CapacityLimiter: more tokens wake those who wait, fewer let them wait") {
    CapacityLimiter limiter(1);
    EventLog log;
    auto a = create_task(use(limiter, log, "a"));
    auto b = create_task(use(limiter, log, "b"));
    auto c = create_task(use(limiter, log, "c"));
    auto d = create_task(use(limiter, log, "d"));
    co_await turns(1);
    limiter.set_total_tokens(3);
    co_await turns(1);
    CHECK(log.joined() == "a+ b+ c+");
    limiter.set_total_tokens(1);
    CHECK(limiter.borrowed_tokens() == 3);
    CHECK(limiter.available_tokens() == 0);
    co_await gather(a, b, c, d);
    CHECK(log.joined() == "a+ b+ c+ a- b- c- d+ d-");
    CHECK_THROWS_WITH(limiter.set_total_tokens(0), "total_tokens must be >= 1");
    CHECK_THROWS_AS(CapacityLimiter(-1), std::invalid_argument);
}

ASYNC_TEST_CASE("CapacityLimiter: nobody overtakes, and a cancelled one passes the token on") {
    CapacityLimiter limiter(1);
    EventLog log;
    auto a = create_task(use(limiter, log, "a"));
    auto b = create_task(use(limiter, log, "b"));
    auto c = create_task(use(limiter, log, "c"));
    auto d = create_task(use(limiter, log, "d"));
    co_await turns(1);
    c.cancel();
    co_await turns(1);
    a.cancel();  // its token goes to b
    co_await turns(1);
    b.cancel();  // which is cancelled before it runs
    auto late = create_task(use(limiter, log, "late"));
    co_await gather(d, late);
    CHECK(log.joined() == "a+ d+ d- late+ late-");
    CHECK(limiter.borrowed_tokens() == 0);
    CHECK(b.cancelled());
}

ASYNC_TEST_CASE("CapacityLimiter: a wait may be cancelled after the limiter is gone") {
    auto limiter = std::make_unique<CapacityLimiter>(1);
    co_await limiter->acquire();
    auto waiting = create_task(limiter->acquire());
    co_await turns(1);
    limiter.reset();
    waiting.cancel();
    CHECK_AWAIT(is_cancelled(waiting), true);
}

#include <ringio/sync/semaphore.hpp>

#include "sync_scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

ASYNC_TEST_CASE("Semaphore: has so many permits", "[any_order]") {
    Semaphore semaphore(2);
    CHECK(fmt::format("{}", semaphore) == "<Semaphore [unlocked, value:2]>");
    CHECK_AWAIT(semaphore.acquire(), true);
    CHECK_FALSE(semaphore.locked());
    co_await semaphore.acquire();
    CHECK(semaphore.locked());
    semaphore.release();
    semaphore.release();
    semaphore.release();
    CHECK(semaphore.repr() == "<Semaphore [unlocked, value:3]>");
}

ASYNC_TEST_CASE("Semaphore: acquire_nowait() takes what is free, and overtakes nobody") {
    Semaphore semaphore(1);
    CHECK(semaphore.acquire_nowait());
    CHECK_FALSE(semaphore.acquire_nowait());
    EventLog log;
    auto a = create_task(acquire_and_log(semaphore, log, "a"));
    co_await turns(1);
    semaphore.release();
    semaphore.release();
    CHECK_FALSE(semaphore.acquire_nowait());  // "a" was woken and has not run
    co_await a;
    CHECK(semaphore.acquire_nowait());
    CHECK(semaphore.repr() == "<Semaphore [locked]>");
}

TEST_CASE("Semaphore: refuses a negative value, a bounded one too many releases") {
    CHECK_THROWS_WITH(Semaphore(-1), "Semaphore initial value must be >= 0");
    CHECK_THROWS_AS(BoundedSemaphore(-1), std::invalid_argument);
    BoundedSemaphore bounded;
    Semaphore& base = bounded;
    CHECK_THROWS_AS(base.release(), std::invalid_argument);
    CHECK_THROWS_WITH(bounded.release(), "BoundedSemaphore released too many times");
    CHECK(fmt::format("{}", bounded) == "<BoundedSemaphore [unlocked, value:1]>");
}

ASYNC_TEST_CASE("Semaphore: goes to those who wait in the order in which they came") {
    Semaphore semaphore(0);
    EventLog log;
    auto a = create_task(acquire_and_log(semaphore, log, "a"));
    auto b = create_task(acquire_and_log(semaphore, log, "b"));
    auto c = create_task(acquire_and_log(semaphore, log, "c"));
    co_await turns(1);
    CHECK(semaphore.repr() == "<Semaphore [locked, waiters:3]>");
    semaphore.release();
    auto late = create_task(acquire_and_log(semaphore, log, "late"));
    semaphore.release();
    co_await turns(2);
    CHECK(log.joined() == "a b");
    semaphore.release();
    semaphore.release();
    co_await gather(c, late);
    CHECK(log.joined() == "a b c late");
    CHECK(semaphore.repr() == "<Semaphore [locked]>");
}

ASYNC_TEST_CASE("Semaphore: cancelling a wait keeps the permits") {
    Semaphore semaphore(1);
    EventLog log;
    co_await semaphore.acquire();
    auto a = create_task(acquire_and_log(semaphore, log, "a"));
    co_await turns(1);
    a.cancel();
    semaphore.release();
    co_await turns(1);
    CHECK(log.joined() == "a!");
    CHECK_FALSE(semaphore.locked());
}

ASYNC_TEST_CASE("Semaphore: those who are cancelled before they run pass their permits on") {
    Semaphore semaphore(0);
    EventLog log;
    auto a = create_task(acquire_and_log(semaphore, log, "a"));
    auto b = create_task(acquire_and_log(semaphore, log, "b"));
    auto c = create_task(acquire_and_log(semaphore, log, "c"));
    auto d = create_task(acquire_and_log(semaphore, log, "d"));
    co_await turns(1);
    semaphore.release();
    semaphore.release();
    a.cancel();
    b.cancel();
    co_await turns(3);
    CHECK(log.joined() == "a! b! c d");
    CHECK(c.done());
    CHECK(d.done());
    CHECK(semaphore.repr() == "<Semaphore [locked]>");
}

ASYNC_TEST_CASE("Semaphore: a release that meets a cancellation is not lost") {
    Semaphore semaphore(1);
    EventLog log;
    auto user = [](Semaphore& shared, EventLog& into, std::string name) -> Task<> {
        auto held = co_await shared.scoped();
        into(name);
        co_await sleep(1s);
    };
    auto a = create_task(user(semaphore, log, "a"));
    auto b = create_task(user(semaphore, log, "b"));
    auto c = create_task(user(semaphore, log, "c"));
    co_await turns(1);
    a.cancel();
    co_await turns(1);
    b.cancel();
    co_await c;
    CHECK(log.joined() == "a c");
    CHECK_FALSE(semaphore.locked());
}

ASYNC_TEST_CASE("Semaphore: nobody overtakes while permits are on the way") {
    Semaphore semaphore(0);
    EventLog log;
    auto a = create_task(acquire_and_log(semaphore, log, "a"));
    co_await turns(1);
    semaphore.release();
    semaphore.release();
    CHECK(semaphore.locked());
    auto b = create_task(acquire_and_log(semaphore, log, "b"));
    co_await gather(a, b);
    CHECK(log.joined() == "a b");
}

ASYNC_TEST_CASE("Semaphore: a wait may be cancelled after the semaphore is gone") {
    auto semaphore = std::make_unique<Semaphore>(0);
    auto waiting = create_task(semaphore->acquire());
    auto woken = create_task(semaphore->acquire());
    co_await turns(1);
    semaphore.reset();
    waiting.cancel();
    CHECK_AWAIT(is_cancelled(waiting), true);
    woken.cancel();
    CHECK_AWAIT(is_cancelled(woken), true);
}

ASYNC_TEST_CASE("Semaphore: who comes again is last (test_acquire_fifo_order)") {
    Semaphore semaphore(1);
    EventLog log;
    auto twice = [](Semaphore& shared, EventLog& into, std::string name) -> Task<> {
        for (const char* round : {"1", "2"}) {
            auto held = co_await shared.scoped();
            into(name + round);
            co_await sleep(1s);
        }
    };
    co_await gather(twice(semaphore, log, "a"), twice(semaphore, log, "b"),
                    twice(semaphore, log, "c"));
    CHECK(log.joined() == "a1 b1 c1 a2 b2 c2");
}

ASYNC_TEST_CASE("Semaphore: so is who gives it back and asks again (test_acquire_fifo_order_2)") {
    Semaphore semaphore(1);
    EventLog log;
    auto again = [](Semaphore& shared, EventLog& into) -> Task<> {
        co_await shared.acquire();
        into("2");
        shared.release();
        co_await shared.acquire();
        into("4");
    };
    auto a = create_task(acquire_and_log(semaphore, log, "1"));
    auto b = create_task(again(semaphore, log));
    auto c = create_task(acquire_and_log(semaphore, log, "3"));
    co_await turns(1);
    semaphore.release();
    semaphore.release();
    co_await gather(a, b, c);
    CHECK(log.joined() == "1 2 3 4");
}

ASYNC_TEST_CASE("Semaphore: one that was cancelled is left out (test_acquire_fifo_order_3)") {
    Semaphore semaphore(0);
    EventLog log;
    auto a = create_task(acquire_and_log(semaphore, log, "1"));
    auto b = create_task(acquire_and_log(semaphore, log, "2"));
    auto c = create_task(acquire_and_log(semaphore, log, "3"));
    co_await turns(1);
    a.cancel();
    co_await turns(1);
    semaphore.release();
    semaphore.release();
    co_await gather(b, c);
    CHECK(log.joined() == "1! 2 3");
    CHECK(a.cancelled());
}

ASYNC_TEST_CASE("Semaphore: one that was woken wakes the others (test_acquire_fifo_order_4)") {
    Semaphore semaphore(0);
    EventLog log;
    auto first = [&]() -> Task<> {
        co_await semaphore.acquire();
        log("1");
        create_task(acquire_and_log(semaphore, log, "4"));
    };
    auto second = [&]() -> Task<> {
        for (int permit = 0; permit < 4; ++permit) {
            semaphore.release();
        }
        CHECK(semaphore.locked());
        co_await semaphore.acquire();
        log("2");
    };
    auto a = create_task(first());
    auto b = create_task(second());
    auto c = create_task(acquire_and_log(semaphore, log, "3"));
    co_await gather(a, b, c);
    co_await turns(1);
    CHECK(log.joined() == "1 2 3 4");
}

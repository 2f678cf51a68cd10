#include <ringio/sync/lock.hpp>

#include "sync_scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

ASYNC_TEST_CASE("Lock: a free one is taken without a turn of the loop") {
    Lock lock;
    CHECK(fmt::format("{}", lock) == "<Lock [unlocked]>");
    CHECK_AWAIT(lock.acquire(), true);
    CHECK(lock.locked());
    CHECK(lock.repr() == "<Lock [locked]>");
    lock.release();
    CHECK_FALSE(lock.locked());
    CHECK_THROWS_WITH(lock.release(), "Lock is not acquired.");
}

ASYNC_TEST_CASE("Lock: goes to those who wait in the order in which they came") {
    Lock lock;
    EventLog log;
    co_await lock.acquire();
    auto a = create_task(acquire_and_log(lock, log, "a"));
    auto b = create_task(acquire_and_log(lock, log, "b"));
    co_await turns(2);
    CHECK(lock.repr() == "<Lock [locked, waiters:2]>");
    lock.release();
    CHECK_FALSE(lock.locked());
    co_await turns(1);
    CHECK(log.joined() == "a");
    CHECK(lock.locked());
    lock.release();
    co_await turns(3);
    CHECK(log.joined() == "a b");
    lock.release();
}

ASYNC_TEST_CASE("Lock: a newcomer does not overtake one who was woken") {
    Lock lock;
    EventLog log;
    co_await lock.acquire();
    auto a = create_task(acquire_and_log(lock, log, "a"));
    co_await turns(1);
    lock.release();
    auto main = create_task(acquire_and_log(lock, log, "main"));
    co_await a;
    lock.release();
    co_await main;
    CHECK(log.joined() == "a main");
}

ASYNC_TEST_CASE("Lock: cancelling a wait takes it out of the queue") {
    Lock lock;
    EventLog log;
    co_await lock.acquire();
    auto a = create_task(acquire_and_log(lock, log, "a"));
    auto b = create_task(acquire_and_log(lock, log, "b"));
    co_await turns(1);
    a.cancel();
    CHECK_AWAIT(is_cancelled(a), true);
    lock.release();
    co_await b;
    CHECK(log.joined() == "a! b");
    CHECK(lock.repr() == "<Lock [locked]>");
}

ASYNC_TEST_CASE("Lock: one that was woken and is cancelled passes the lock on") {
    Lock lock;
    EventLog log;
    co_await lock.acquire();
    auto a = create_task(acquire_and_log(lock, log, "a"));
    auto b = create_task(acquire_and_log(lock, log, "b"));
    auto c = create_task(acquire_and_log(lock, log, "c"));
    co_await turns(1);
    lock.release();
    CHECK(a.cancel());
    co_await turns(3);
    CHECK(log.joined() == "a! b");
    CHECK_FALSE(c.done());
    CHECK(a.cancelled());
    lock.release();
    co_await c;
}

ASYNC_TEST_CASE("Lock: is released while the first in the queue is being cancelled") {
    Lock lock;
    EventLog log;
    co_await lock.acquire();
    auto a = create_task(acquire_and_log(lock, log, "a"));
    auto b = create_task(acquire_and_log(lock, log, "b"));
    co_await turns(1);
    a.cancel();
    lock.release();
    co_await b;
    CHECK(log.joined() == "a! b");
}

ASYNC_TEST_CASE("Lock: can be taken at once when all who wait are being cancelled") {
    Lock lock;
    EventLog log;
    co_await lock.acquire();
    auto a = create_task(acquire_and_log(lock, log, "a"));
    co_await turns(1);
    a.cancel();
    lock.release();
    CHECK_AWAIT(lock.acquire(), true);
    CHECK(log.joined() == "");
    co_await turns(1);
    CHECK(log.joined() == "a!");
    CHECK(lock.locked());
}

ASYNC_TEST_CASE("Lock: scoped() releases at the end of the block, or early, or by exception",
                "[any_order]") {
    Lock lock;
    {
        auto held = co_await lock.scoped();
        CHECK(held);
        auto moved = std::move(held);
        CHECK(lock.locked());
    }
    CHECK_FALSE(lock.locked());
    auto held = co_await lock.scoped();
    held.release();
    held.release();
    CHECK_FALSE(lock.locked());
    try {
        auto inner = co_await lock.scoped();
        throw std::runtime_error("boom");
    } catch (const std::runtime_error&) {
    }
    CHECK_FALSE(lock.locked());
}

ASYNC_TEST_CASE("Lock: scoped() waits its turn") {
    Lock lock;
    EventLog log;
    auto user = [](Lock& shared, EventLog& into, std::string name) -> Task<> {
        auto held = co_await shared.scoped();
        into(name + "+");
        co_await sleep(1s);
        into(name + "-");
    };
    co_await gather(user(lock, log, "a"), user(lock, log, "b"));
    CHECK(log.joined() == "a+ a- b+ b-");
}

TEST_CASE("Lock: belongs to the loop in which somebody first waited for it") {
    Lock lock;
    auto contend = [&lock]() -> Task<> {
        co_await lock.acquire();
        auto second = create_task(lock.acquire());
        co_await turns(1);
        lock.release();
        co_await second;
    };
    testing::run_virtual(contend());
    auto wait = [&lock]() -> Task<> { co_await lock.acquire(); };
    CHECK(error_in_another_loop(wait) == "Lock is bound to a different event loop");
}

ASYNC_TEST_CASE("Lock: a wait may be cancelled after the lock is gone") {
    auto lock = std::make_unique<Lock>();
    co_await lock->acquire();
    auto waiting = create_task(lock->acquire());
    auto woken = create_task(lock->acquire());
    co_await turns(1);
    lock.reset();
    waiting.cancel();
    woken.cancel();
    CHECK_AWAIT(is_cancelled(waiting), true);
    CHECK_AWAIT(is_cancelled(woken), true);
}

ASYNC_TEST_CASE("Lock: a cancel and a release at once take one lock (test_cancel_release_race)") {
    Lock lock;
    EventLog log;
    co_await lock.acquire();
    auto a = create_task(acquire_and_log(lock, log, "a"));
    auto b = create_task(acquire_and_log(lock, log, "b"));
    auto c = create_task(acquire_and_log(lock, log, "c"));
    co_await turns(1);
    get_running_loop().call_soon([&] {
        a.cancel();
        lock.release();
    });
    CHECK_AWAIT(is_cancelled(a), true);
    co_await b;
    CHECK(log.joined() == "a! b");
    c.cancel();
    CHECK_AWAIT(is_cancelled(c), true);
}

ASYNC_TEST_CASE("Lock: one that joins behind a cancelled one (test_finished_waiter_cancelled)") {
    Lock lock;
    EventLog log;
    co_await lock.acquire();
    auto a = create_task(acquire_and_log(lock, log, "a"));
    co_await turns(1);
    auto b = create_task(acquire_and_log(lock, log, "b"));
    a.cancel();
    lock.release();
    co_await turns(1);
    CHECK(lock.locked());
    CHECK(a.cancelled());
    co_await b;
    CHECK(log.joined() == "b a!");
}

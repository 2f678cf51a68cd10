#include <ringio/sync/barrier.hpp>

#include "sync_scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;

namespace {

Task<> meet(Barrier& barrier, EventLog& log, std::string name) {
    std::string end;
    try {
        end = std::to_string(co_await barrier.wait());
    } catch (const BrokenBarrierError&) {
        end = "broken";
    } catch (const CancelledError&) {
        end = "cancelled";
    }
    log(name + ":" + end);
}

}  // namespace

ASYNC_TEST_CASE("Barrier: lets go when all are there, each with a number, again and again") {
    Barrier barrier(3);
    EventLog log;
    CHECK(barrier.parties() == 3);
    for (int round = 0; round < 2; ++round) {
        log.clear();
        auto a = create_task(meet(barrier, log, "a"));
        auto b = create_task(meet(barrier, log, "b"));
        co_await turns(3);
        CHECK(barrier.n_waiting() == 2);
        CHECK(fmt::format("{}", barrier) == "<Barrier [filling, waiters:2/3]>");
        CHECK_AWAIT(barrier.wait(), 2U);
        co_await gather(a, b);
        CHECK(log.joined() == "a:0 b:1");
        CHECK(barrier.repr() == "<Barrier [filling, waiters:0/3]>");
    }
}

ASYNC_TEST_CASE("Barrier: of one never waits; of none there is none") {
    Barrier barrier(1);
    CHECK_AWAIT(barrier.wait(), 0U);
    CHECK_AWAIT(barrier.wait(), 0U);
    CHECK_THROWS_WITH(Barrier(0), "parties must be > 0");
}

ASYNC_TEST_CASE("Barrier: who comes while the others leave waits for the next round") {
    Barrier barrier(2);
    EventLog log;
    auto a = create_task(meet(barrier, log, "a"));
    auto b = create_task(meet(barrier, log, "b"));
    auto c = create_task(meet(barrier, log, "c"));
    co_await gather(a, b);
    co_await turns(5);
    CHECK(barrier.n_waiting() == 1);
    CHECK(log.joined() == "b:1 a:0");
    CHECK_AWAIT(barrier.wait(), 1U);
    co_await c;
}

ASYNC_TEST_CASE("Barrier: who is cancelled no longer counts") {
    Barrier barrier(2);
    EventLog log;
    auto a = create_task(meet(barrier, log, "a"));
    co_await turns(2);
    a.cancel();
    co_await a;
    CHECK(barrier.n_waiting() == 0);
    auto b = create_task(meet(barrier, log, "b"));
    auto c = create_task(meet(barrier, log, "c"));
    co_await gather(b, c);
    CHECK(log.joined() == "a:cancelled c:1 b:0");
}

ASYNC_TEST_CASE("Barrier: reset() breaks the round in progress, not the barrier") {
    Barrier barrier(3);
    EventLog log;
    co_await barrier.reset();
    auto a = create_task(meet(barrier, log, "a"));
    auto b = create_task(meet(barrier, log, "b"));
    co_await turns(3);
    co_await barrier.reset();
    CHECK(barrier.repr() == "<Barrier [resetting, waiters:0/3]>");
    auto c = create_task(meet(barrier, log, "c"));
    co_await gather(a, b);
    co_await turns(5);
    CHECK(log.joined() == "a:broken b:broken");
    CHECK_FALSE(barrier.broken());
    CHECK(barrier.n_waiting() == 1);
    auto d = create_task(meet(barrier, log, "d"));
    CHECK_AWAIT(barrier.wait(), 1U);
    co_await gather(c, d);
}

ASYNC_TEST_CASE("Barrier: abort() breaks it for all, until reset()") {
    Barrier barrier(2);
    EventLog log;
    auto a = create_task(meet(barrier, log, "a"));
    co_await turns(2);
    co_await barrier.abort();
    CHECK(barrier.broken());
    CHECK(barrier.repr() == "<Barrier [broken]>");
    co_await a;
    CHECK(log.joined() == "a:broken");
    CHECK_AWAIT(text_of<BrokenBarrierError>(barrier.wait()), "Barrier aborted");
    co_await barrier.reset();
    CHECK_FALSE(barrier.broken());
    auto b = create_task(meet(barrier, log, "b"));
    co_await turns(2);
    CHECK_AWAIT(barrier.wait(), 1U);
    co_await b;
}

ASYNC_TEST_CASE("Barrier: a wait may be cancelled after the barrier is gone") {
    EventLog log;
    auto barrier = std::make_unique<Barrier>(2);
    auto a = create_task(meet(*barrier, log, "a"));
    co_await turns(2);
    barrier.reset();
    a.cancel();
    co_await a;
    CHECK(log.joined() == "a:cancelled");
}

TEST_CASE("Barrier: survives the destruction of the tasks that wait") {
    Barrier barrier(2);
    EventLog log;
    {
        EventLoop loop;
        loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
        loop.create_task(meet(barrier, log, "a"));
        loop.run_until_complete(turns(3));
    }
    CHECK(log.joined() == "");
}

#include <ringio/sync/barrier.hpp>

#include "sync_scenario.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

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

using Body = std::function<Task<>()>;

/// *Lifetime*: the tasks refer to what `body` has captured.
std::vector<TaskHandle<>> start(int count, const Body& body) {
    std::vector<TaskHandle<>> tasks;
    for (int task = 0; task < count; ++task) {
        tasks.push_back(create_task(body()));
    }
    return tasks;
}

/// Runs so many tasks of the same kind to their ends.
Task<> run_all(int count, Body body) { co_await gather(start(count, body)); }

/// Waits at the barrier, and says whether it was broken.
Task<bool> breaks(Barrier& barrier) {
    try {
        co_await barrier.wait();
    } catch (const BrokenBarrierError&) {
        co_return true;
    }
    co_return false;
}

/// Waits twice, and says whether one of the two was broken; number 2 of the first round fails, and
/// aborts the barrier.
Task<bool> breaks_unless_third(Barrier& barrier) {
    std::size_t number = 0;
    try {
        number = co_await barrier.wait();
    } catch (const BrokenBarrierError&) {
        co_return true;
    }
    if (number == 2) {
        co_await barrier.abort();
        co_return false;
    }
    co_return co_await breaks(barrier);
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

ASYNC_TEST_CASE("Barrier: a cancellation does not make two have the same number") {
    Barrier barrier(3);
    EventLog log;
    auto a = create_task(meet(barrier, log, "a"));
    auto b = create_task(meet(barrier, log, "b"));
    co_await turns(2);
    a.cancel();
    co_await a;
    auto c = create_task(meet(barrier, log, "c"));
    auto d = create_task(meet(barrier, log, "d"));
    co_await gather(b, c, d);
    CHECK(log.joined() == "a:cancelled d:2 b:0 c:1");
}

// From here on CPython's BarrierTests, by name, as far as the cases above do not cover them:
// test_barrier, test_barrier_parties, test_filling_one_task, test_reset_barrier and
// test_abort_barrier are covered.

ASYNC_TEST_CASE("Barrier: repr() tells of each phase (test_repr)") {
    Barrier barrier(5);
    const Body wait = [&barrier]() -> Task<> { static_cast<void>(co_await breaks(barrier)); };
    auto waiters = start(2, wait);
    auto start_more = [&](int count) {
        for (const auto& task : start(count, wait)) {
            waiters.push_back(task);
        }
    };
    co_await turns(1);
    CHECK(barrier.repr() == "<Barrier [filling, waiters:2/5]>");
    start_more(3);
    co_await turns(1);
    CHECK(barrier.repr() == "<Barrier [draining, waiters:0/5]>");
    start_more(2);
    co_await turns(1);
    co_await barrier.reset();
    CHECK_THAT(barrier.repr(), Catch::Matchers::Contains("resetting"));
    start_more(2);
    co_await turns(1);
    co_await barrier.abort();
    CHECK(barrier.repr() == "<Barrier [broken]>");
    co_await gather(waiters);
}

ASYNC_TEST_CASE("Barrier: each is given another number (test_context_manager)", "[any_order]") {
    Barrier barrier(3);
    std::vector<std::size_t> results;
    co_await run_all(3, [&]() -> Task<> { results.push_back(co_await barrier.wait()); });
    std::sort(results.begin(), results.end());
    CHECK(results == std::vector<std::size_t>{0, 1, 2});
    CHECK(barrier.n_waiting() == 0);
    CHECK_FALSE(barrier.broken());
}

ASYNC_TEST_CASE("Barrier: of one lets each through at once (test_filling_one_task_twice)") {
    Barrier barrier(1);
    auto first = create_task(barrier.wait());
    co_await turns(1);
    CHECK(barrier.n_waiting() == 0);
    auto second = create_task(barrier.wait());
    co_await turns(1);
    CHECK(first.result() == second.result());
    CHECK(barrier.n_waiting() == 0);
}

ASYNC_TEST_CASE("Barrier: counts those who wait (test_filling_task_by_task)") {
    Barrier barrier(3);
    std::vector<TaskHandle<std::size_t>> tasks;
    for (const std::size_t waiting : {1U, 2U, 0U}) {
        tasks.push_back(create_task(barrier.wait()));
        co_await turns(1);
        CHECK(barrier.n_waiting() == waiting);
    }
    const auto result = co_await wait(tasks);
    CHECK(result.pending.empty());
    CHECK(barrier.repr() == "<Barrier [filling, waiters:0/3]>");
}

ASYNC_TEST_CASE("Barrier: may be waited at again at once (test_filling_tasks_wait_twice)",
                "[any_order]") {
    Barrier barrier(5);
    int once = 0;
    int twice = 0;
    co_await run_all(5, [&]() -> Task<> {
        co_await barrier.wait();
        ++once;
        co_await barrier.wait();
        ++twice;
    });
    CHECK(once == 5);
    CHECK(twice == 5);
    CHECK(barrier.n_waiting() == 0);
}

ASYNC_TEST_CASE("Barrier: the numbers of a second round (test_filling_tasks_check_return_value)",
                "[any_order]") {
    Barrier barrier(5);
    std::vector<std::size_t> results;
    co_await run_all(5, [&]() -> Task<> {
        co_await barrier.wait();
        results.push_back(co_await barrier.wait());
    });
    std::sort(results.begin(), results.end());
    CHECK(results == std::vector<std::size_t>{0, 1, 2, 3, 4});
}

ASYNC_TEST_CASE("Barrier: drains until the last one has left (test_draining_state)") {
    Barrier barrier(5);
    EventLog log;
    co_await run_all(5, [&]() -> Task<> {
        co_await barrier.wait();
        log(barrier.repr().substr(10, 8));
    });
    CHECK(log.joined() == "draining draining draining draining filling,");
}

ASYNC_TEST_CASE("Barrier: holds up the next round (test_blocking_tasks_while_draining)",
                "[any_order]") {
    Barrier barrier(5);
    Barrier rest(3);
    int again = 2;
    int through = 0;
    co_await run_all(5, [&]() -> Task<> {
        co_await barrier.wait();
        if (again > 0) {
            --again;
        } else {
            co_await rest.wait();
        }
        co_await barrier.wait();
        ++through;
    });
    CHECK(through == 5);
}

ASYNC_TEST_CASE("Barrier: goes on without a cancelled one (test_filling_tasks_cancel_one)") {
    Barrier barrier(3);
    int through = 0;
    const Body body = [&]() -> Task<> {
        co_await barrier.wait();
        ++through;
    };
    auto tasks = start(2, body);
    co_await turns(1);
    CHECK(barrier.n_waiting() == 2);
    tasks[0].cancel();
    co_await turns(1);
    CHECK(barrier.n_waiting() == 1);
    CHECK_AWAIT(is_cancelled(tasks[0]), true);
    tasks.push_back(create_task(body()));
    co_await turns(1);
    CHECK(barrier.n_waiting() == 2);
    tasks.push_back(create_task(body()));
    tasks.erase(tasks.begin());
    co_await gather(tasks);
    CHECK(through == 3);
    CHECK(barrier.n_waiting() == 0);
}

ASYNC_TEST_CASE("Barrier: reset() breaks for all (test_reset_barrier_while_tasks_waiting)") {
    Barrier barrier(5);
    int broken = 0;
    const Body body = [&]() -> Task<> { broken += (co_await breaks(barrier)) ? 1 : 0; };
    auto tasks = start(4, body);
    co_await turns(1);
    auto reset = create_task(barrier.reset());
    co_await gather(tasks);
    CHECK(broken == 4);
    CHECK(barrier.repr() == "<Barrier [filling, waiters:0/5]>");
    co_await reset;
}

ASYNC_TEST_CASE("Barrier: reset() in mid-drain (test_reset_barrier_when_tasks_half_draining)",
                "[any_order]") {
    Barrier barrier(5);
    int broken = 0;
    int left = 0;
    co_await run_all(5, [&]() -> Task<> {
        const bool broke = co_await breaks(barrier);
        broken += broke ? 1 : 0;
        if (!broke && ++left == 3) {
            co_await barrier.reset();
        }
    });
    CHECK(broken == 2);
    CHECK(barrier.repr() == "<Barrier [filling, waiters:0/5]>");
}

ASYNC_TEST_CASE(
    "Barrier: reset() in mid-drain leaves the next round alone "
    "(test_reset_barrier_when_tasks_half_draining_half_blocking)",
    "[any_order]") {
    Barrier barrier(5);
    int broken = 0;
    int blocked_broken = 0;
    int left = 0;
    co_await run_all(5, [&]() -> Task<> {
        const bool broke = co_await breaks(barrier);
        if (broke) {
            ++broken;
            co_await barrier.wait();
        } else if (++left > 2) {
            co_await barrier.reset();
            co_await barrier.wait();
        } else {
            blocked_broken += (co_await breaks(barrier)) ? 1 : 0;
        }
    });
    CHECK(broken == 2);
    CHECK(blocked_broken == 0);
    CHECK(barrier.repr() == "<Barrier [filling, waiters:0/5]>");
}

ASYNC_TEST_CASE(
    "Barrier: those whom reset() threw out may come again "
    "(test_reset_barrier_while_tasks_waiting_and_waiting_again)") {
    Barrier barrier(5);
    int broken = 0;
    int through = 0;
    const Body body = [&]() -> Task<> {
        broken += (co_await breaks(barrier)) ? 1 : 0;
        co_await barrier.wait();
        ++through;
    };
    auto tasks = start(4, body);
    auto reset = create_task(barrier.reset());
    co_await turns(1);
    co_await barrier.wait();
    ++through;
    co_await gather(tasks);
    CHECK(broken == 4);
    CHECK(through == 5);
    CHECK_FALSE(barrier.broken());
    co_await reset;
}

ASYNC_TEST_CASE(
    "Barrier: reset() by the last who leaves breaks nothing "
    "(test_reset_barrier_while_tasks_draining)",
    "[any_order]") {
    Barrier barrier(5);
    int count = 0;
    int second = 0;
    int broken = 0;
    int third = 0;
    co_await run_all(5, [&]() -> Task<> {
        co_await barrier.wait();
        if (++count == 5) {
            co_await barrier.reset();
            co_await barrier.wait();
        } else {
            const bool broke = co_await breaks(barrier);
            second += broke ? 0 : 1;
            broken += broke ? 1 : 0;
        }
        co_await barrier.wait();
        ++third;
    });
    CHECK(second == 4);
    CHECK(broken == 0);
    CHECK(third == 5);
    CHECK(barrier.repr() == "<Barrier [filling, waiters:0/5]>");
}

ASYNC_TEST_CASE(
    "Barrier: abort() in mid-drain breaks it for all "
    "(test_abort_barrier_when_tasks_half_draining_half_blocking)",
    "[any_order]") {
    Barrier barrier(5);
    int broken = 0;
    int blocked_broken = 0;
    int left = 0;
    co_await run_all(5, [&]() -> Task<> {
        const bool broke = co_await breaks(barrier);
        if (broke) {
            ++broken;
        } else if (++left > 2) {
            co_await barrier.abort();
        } else {
            blocked_broken += (co_await breaks(barrier)) ? 1 : 0;
        }
    });
    CHECK(broken == 2);
    CHECK(blocked_broken == 2);
    CHECK(barrier.broken());
    CHECK(barrier.n_waiting() == 0);
}

ASYNC_TEST_CASE("Barrier: abort() by one that failed (test_abort_barrier_when_exception)",
                "[any_order]") {
    Barrier barrier(5);
    int broken = 0;
    co_await run_all(5, [&]() -> Task<> {
        const bool broke = co_await breaks_unless_third(barrier);
        broken += broke ? 1 : 0;
    });
    CHECK(barrier.broken());
    CHECK(broken == 4);
    CHECK(barrier.n_waiting() == 0);
}

ASYNC_TEST_CASE(
    "Barrier: reset() mends what abort() broke "
    "(test_abort_barrier_when_exception_then_resetting)",
    "[any_order]") {
    Barrier first(5);
    Barrier second(5);
    int broken = 0;
    int mended = 0;
    co_await run_all(5, [&]() -> Task<> {
        broken += (co_await breaks_unless_third(first)) ? 1 : 0;
        const std::size_t number = co_await second.wait();
        if (number == 2) {
            co_await first.reset();
        }
        co_await second.wait();
        co_await first.wait();
        ++mended;
    });
    CHECK_FALSE(first.broken());
    CHECK(broken == 4);
    CHECK(mended == 5);
    CHECK(first.n_waiting() == 0);
}

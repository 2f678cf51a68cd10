#include <ringio/testing/cancel_sweep.hpp>

#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include <support/catch.hpp>

#include <chrono>

using namespace ringio;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using testing::cancel_sweep;
using testing::CancelMoment;
using testing::CancelSweepResult;
using testing::Sweep;

namespace {

template <class T>
Task<> ended(TaskHandle<T> task) {
    const std::vector tasks = {task};
    static_cast<void>(co_await wait(tasks));
}

/// Moments of the failures whose text has `text` in it, as "while it waits, twice".
std::string moments_of(const CancelSweepResult& result, const std::string& text) {
    std::string moments;
    for (const testing::CancelSweepFailure& failure : result.failures()) {
        if (failure.text.find(text) != std::string::npos) {
            moments += (moments.empty() ? "" : ", ") + std::string(to_string(failure.moment));
        }
    }
    return moments;
}

}  // namespace

TEST_CASE("cancel_sweep: counts the points, and makes a run for each point and moment") {
    int runs = 0;
    const auto result = cancel_sweep([&runs](Sweep&) -> Task<> {
        ++runs;
        co_await sleep(1s);
        co_await sleep(Delay());
    });
    CHECK(result.points() == 2);
    CHECK(result.runs() == 1 + 2 * 5);
    CHECK(runs == 11);
    CHECK(result.unplaced() == 4);  // it ends at the first cancel: there is no second
    CHECK(result.report() == "");
    CHECK(result.summary() == "2 points, 11 runs (4 without a place for the cancel), 0 failures");
}

TEST_CASE("cancel_sweep: a victim that is named is cancelled before its first step, too") {
    int unstarted = 0;
    const auto result = cancel_sweep([&unstarted](Sweep& sweep) -> Task<> {
        co_await sleep(1s);  // a point of the scenario, not of the victim
        auto work = []() -> Task<> { co_await sleep(1s); };
        bool& started = sweep.make<bool>(false);
        auto start = [&started, work]() -> Task<> {
            started = true;
            co_await work();
        };
        auto task = sweep.victim(create_task(start()));
        co_await ended(task);
        unstarted += started ? 0 : 1;
    });
    CHECK(result.points() == 1);
    CHECK(result.runs() == 1 + 1 + 5);
    CHECK(result.report() == "");
    CHECK(unstarted == 1);
}

TEST_CASE("cancel_sweep: each moment is what it says") {
    std::string seen;
    const auto result = cancel_sweep([&seen](Sweep& sweep) -> Task<> {
        Event& event = sweep.make<Event>();
        auto work = [&]() -> Task<> {
            try {
                co_await event.wait();
                seen += "event ";
            } catch (const CancelledError&) {
                seen += event.is_set() ? "late" : "early";
                seen += current_task().cancelling() == 2 ? "-twice " : " ";
            }
        };
        auto task = sweep.victim(create_task(work()));
        co_await sleep(1ms);
        event.set();
        co_await ended(task);
    });
    CHECK(result.report() == "");
    // Without, before the start (nothing), before the wait, while it waits, after it was woken,
    // twice (the second comes after the end), in the cleanup (which does not wait).
    CHECK(seen == "event early early late early early ");
}

TEST_CASE("cancel_sweep: the second request strikes the cleanup") {
    int cleaned = 0;
    int disturbed = 0;
    const auto result = cancel_sweep([&](Sweep&) -> Task<> {
        bool cancelled = false;
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            cancelled = true;
        }
        if (!cancelled) {
            co_return;
        }
        try {
            co_await sleep(1s);
            ++cleaned;
        } catch (const CancelledError&) {
            ++disturbed;
        }
    });
    CHECK(result.report() == "");
    CHECK(result.unplaced() == 0);
    CHECK(cleaned == 3);
    CHECK(disturbed == 2);
}

TEST_CASE("cancel_sweep: finds a lock that stays locked") {
    const auto result = cancel_sweep([](Sweep& sweep) -> Task<> {
        Lock& lock = sweep.make<Lock>();
        sweep.check("the lock is free", [&lock] { return !lock.locked(); });
        co_await lock.acquire();
        co_await sleep(1s);
        lock.release();
    });
    CHECK(moments_of(result, "invariant: the lock is free") ==
          "before the wait, while it waits, after it was woken, twice, again in the cleanup");
    CHECK_THAT(result.report(), Contains("point 0 (cancel_sweep_test.cpp:"));
    CHECK_THAT(result.report(), Contains("while it waits: invariant: the lock is free\n"));
}

TEST_CASE("cancel_sweep: finds an item that is lost between two awaits") {
    const auto result = cancel_sweep([](Sweep& sweep) -> Task<> {
        auto& queue = sweep.make<Queue<int>>();
        auto& handled = sweep.make<std::size_t>(0U);
        sweep.check("no item is lost", [&] { return queue.qsize() + handled == 1; });
        queue.put_nowait(1);
        auto take = [&]() -> Task<> {
            static_cast<void>(co_await queue.get());
            co_await sleep(1s);  // the item is in nobody's hands
            ++handled;
        };
        auto task = sweep.victim(create_task(take()));
        co_await ended(task);
    });
    CHECK(result.failures().size() == 5);
}

TEST_CASE("cancel_sweep: finds a task that never ends") {
    const auto result = cancel_sweep([](Sweep& sweep) -> Task<> {
        Event& event = sweep.make<Event>();
        auto wait_for_event = [&event]() -> Task<> { co_await event.wait(); };
        create_task(wait_for_event());
        co_await sleep(1s);
        event.set();
    });
    CHECK_THAT(moments_of(result, "deadlock: nothing can ever wake"), Contains("while it waits"));
}

TEST_CASE("cancel_sweep: finds a task that goes on for ever") {
    const auto result = cancel_sweep(
        [](Sweep&) -> Task<> {
            for (;;) {
                co_await sleep(1s);
            }
        },
        {.step_limit = 50});
    REQUIRE(result.failures().size() == 1);
    CHECK(result.report() == "without a cancel: it has not ended after 50 steps\n");
}

TEST_CASE("cancel_sweep: finds a timer that is left") {
    const auto result = cancel_sweep([](Sweep&) -> Task<> {
        auto timer = get_running_loop().call_later(1h, [] {});
        co_await sleep(1s);
        timer.cancel();
    });
    CHECK_THAT(result.report(), Contains("while it waits: 1 timer(s) left"));
}

TEST_CASE("cancel_sweep: finds a frame that is left") {
    static std::vector<Future<>> leak;
    const auto result = cancel_sweep([](Sweep&) -> Task<> {
        Promise<> promise = get_running_loop().create_future<void>();
        leak.push_back(promise.get_future());
        co_await sleep(1s);
        leak.clear();
    });
    leak.clear();
    CHECK_THAT(result.report(), Contains("left"));
}

TEST_CASE("cancel_sweep: finds what is reported to the exception handler") {
    const auto result = cancel_sweep([](Sweep&) -> Task<> {
        auto fail = []() -> Task<> {
            co_await sleep(1ms);
            throw std::runtime_error("lost");
        };
        auto task = create_task(fail());
        co_await sleep(1s);
        try {
            co_await task;
        } catch (const std::runtime_error&) {
        }
    });
    CHECK_THAT(result.report(), Contains("reported: Task exception was never retrieved "
                                         "(std::runtime_error: lost)"));
}

TEST_CASE("cancel_sweep: finds a scenario that fails because its victim was cancelled") {
    const auto result = cancel_sweep([](Sweep& sweep) -> Task<> {
        auto work = []() -> Task<> { co_await sleep(1s); };
        auto task = sweep.victim(create_task(work()));
        co_await task;
    });
    CHECK_THAT(result.report(), Contains("while it waits: the scenario ended with ringio::Can"));
}

TEST_CASE("cancel_sweep: does not sweep a scenario that fails by itself") {
    const auto result = cancel_sweep([](Sweep& sweep) -> Task<> {
        sweep.check("nothing holds", [] { return false; });
        co_await sleep(1s);
        throw std::runtime_error("by itself");
    });
    CHECK(result.runs() == 1);
    CHECK(result.report() ==
          "without a cancel: the scenario ended with std::runtime_error: by itself\n");
}

TEST_CASE("cancel_sweep: a victim may end with any error") {
    const auto result = cancel_sweep([](Sweep&) -> Task<> {
        try {
            co_await sleep(1s);
        } catch (const CancelledError&) {
            throw std::runtime_error("cancelled");
        }
    });
    CHECK(result.report() == "");
}

namespace {

Task<int> nap(Delay delay) {
    co_await sleep(delay);
    co_return 1;
}

/// Waits for an event that another child sets, and lets it wait for ever when that is cancelled.
Task<> wait_for_sibling(Event& event) { co_await event.wait(); }
Task<> set_later(Event& event) {
    co_await sleep(1ms);
    event.set();
}

}  // namespace

TEST_CASE("cancel_sweep: of a structured scenario each task is a victim in turn") {
    int runs = 0;
    const auto result = cancel_sweep([&runs](Sweep&) -> Task<> {
        ++runs;
        static_cast<void>(co_await gather(nap(1ms), nap(2ms)));
        co_await task_group([](TaskGroup& group) -> Task<> {
            group.create_task(nap(1ms));
            co_return;
        });
    });
    CHECK(result.report() == "");
    CHECK(result.points() == 5);            // two of the scenario, one of each child
    CHECK(result.runs() == 1 + 3 + 5 * 5);  // each child before its first step, too
    CHECK(result.runs() == std::size_t(runs));
    CHECK(result.unreached() == 0);
}

TEST_CASE("cancel_sweep: finds a child whose end leaves a sibling waiting") {
    const auto scenario = [](Sweep& sweep) -> Task<> {
        Event& event = sweep.make<Event>();
        static_cast<void>(
            co_await gather(return_exceptions, wait_for_sibling(event), set_later(event)));
    };
    CHECK_THAT(cancel_sweep(scenario).report(), Contains("set_later()), while it waits: deadlock"));
    const auto one = cancel_sweep(scenario, {.victims = testing::CancelVictims::one});
    CHECK(one.report() == "");
    CHECK(one.unreached() == 2);
    CHECK_THAT(one.summary(), Contains("2 awaits not reached, 0 failures"));
}

TEST_CASE("cancel_sweep: of a scenario whose tasks belong to nobody only its own is cancelled") {
    const auto scenario = [](Sweep&) -> Task<> {
        auto task = create_task(nap(1ms));
        static_cast<void>(co_await gather(task, nap(2ms)));
    };
    const auto result = cancel_sweep(scenario);
    CHECK(result.report() == "");
    CHECK(result.points() == 1);
    CHECK(result.unreached() == 2);
    const auto all = cancel_sweep(scenario, {.victims = testing::CancelVictims::all});
    CHECK(all.report() == "");
    CHECK(all.points() == 3);
    CHECK(all.unreached() == 0);
}

TEST_CASE("cancel_sweep: tells of the awaits in a first step that ran eagerly") {
    const auto result = cancel_sweep([](Sweep& sweep) -> Task<> {
        auto task = sweep.victim(create_task(nap(1ms), {.eager_start = true}));
        co_await ended(task);
    });
    CHECK(result.unreached() > 0);
}

// Cancel against the deadline of a sleep, in virtual time.
#include <ringio/tasks/sleep.hpp>

#include "race.hpp"

#include <chrono>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<> doze(Delay delay, bool by_itself, Tally& tally) {
    ++tally.started;
    if (by_itself) {
        current_task().cancel();
    }
    try {
        co_await sleep(delay);
        ++tally.delivered;
    } catch (const CancelledError&) {
        ++tally.cancelled;
    }
}

// The cancel comes at the deadline, a nanosecond before or after it, or in a turn next to those.
Task<> race_sleeps(Tally& tally) {
    for (int round = 0; round < race_rounds; ++round) {
        const Delay length = round % 11 == 0 ? Delay() : Delay(1us);
        const Delay until_cancel = 1us + std::chrono::nanoseconds(round % 3 - 1);
        const long ended = tally.delivered + tally.cancelled;
        const long started = tally.started;
        TaskHandle<> task;
        if (round % 2 == 0) {
            task = create_task(doze(length, round % 13 == 0, tally));
            co_await turns(round % 5);
            co_await sleep(until_cancel);
        } else {
            EventLoop& loop = get_running_loop();
            loop.call_later(until_cancel, [&task] { task.cancel(); });
            task = create_task(doze(length, round % 13 == 0, tally));
            co_await turns(round % 5);
        }
        if (round % 2 == 0) {
            task.cancel();
        }
        while (!task.done()) {
            co_await sleep(1us);
        }
        co_await sleep(2us);
        tally.never_started += 1 - (tally.started - started);
        if (tally.delivered + tally.cancelled - ended != tally.started - started) {
            tally.fail("not exactly one end");
        }
    }
    CHECK(get_running_loop().statistics().timers == 0);
}

}  // namespace

TEST_CASE("sleep: a race of cancel and deadline has one winner, and no timer is left") {
    const testing::Balance balance;
    Tally tally;
    testing::run_virtual(race_sleeps(tally));
    tally.check(race_rounds);
    CHECK(balance.difference() == "");
}

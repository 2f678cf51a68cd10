// A race of a cancel against the completion of one operation, at every moment of its life. Either
// it is delivered or it is cancelled: never both, never neither.
#pragma once

#include <ringio/tasks.hpp>
#include <ringio/testing.hpp>
#include <support/catch.hpp>
#include <support/ends.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ringio::test_support {

inline constexpr int race_rounds = 100'000;

/// When the cancel comes, in relation to the life of the operation and to what completes it.
enum class Moment : int {
    never,          // no cancel at all
    before_start,   // the task has not run yet
    by_itself,      // the task is cancelled already when it begins the operation
    before_submit,  // begun, and not given to the kernel yet
    in_kernel,      // given to the kernel; what would complete it comes a turn after the cancel
    just_before,    // ... comes right after the cancel
    just_after,     // ... came right before the cancel
    before_resume,  // completed, and the task is in the ready queue behind this one
    too_late,       // completed and resumed
    count
};

inline Moment moment_of(int round) {
    return static_cast<Moment>(round % static_cast<int>(Moment::count));
}

/// The books of a race: what the tasks saw.
struct Tally {
    long started = 0;
    long delivered = 0;
    long cancelled = 0;
    long failed = 0;
    long never_started = 0;
    std::string first_failure;

    void fail(const std::string& text) { first_failure = failed++ == 0 ? text : first_failure; }

    /// Every operation that began had exactly one end; both ends and every moment occurred.
    void check(long rounds) const {
        INFO("delivered " << delivered << ", cancelled " << cancelled << ", never started "
                          << never_started);
        CHECK(first_failure == "");
        CHECK(failed == 0);
        CHECK(started + never_started == rounds);
        CHECK(delivered + cancelled == started);
        CHECK(delivered > rounds / 20);
        CHECK(cancelled > rounds / 20);
    }
};

/// Cancels the running task, when it is its moment to do so.
inline void cancel_oneself(Moment moment) {
    if (moment == Moment::by_itself) {
        current_task().cancel();
    }
}

/// Runs one round: `operation` is the task, `act` what makes the operation complete.
template <class Act>
Task<> race(Moment moment, TaskHandle<> operation, Act& act, Tally& tally) {
    const long started_before = tally.started;
    const long ended_before = tally.delivered + tally.cancelled;
    const bool begins = moment != Moment::before_start;
    co_await turns(!begins || moment == Moment::never ? 0
                   : moment == Moment::before_submit  ? 1
                                                      : 3);
    const bool acts_first = moment >= Moment::just_after || moment == Moment::never;
    if (acts_first) {
        act();
    }
    co_await turns(moment == Moment::before_resume ? 1 : moment == Moment::too_late ? 3 : 0);
    if (moment != Moment::never && moment != Moment::by_itself) {
        operation.cancel();
    }
    co_await turns(moment == Moment::in_kernel ? 1 : 0);
    if (!acts_first) {
        act();
    }
    int turn = 0;
    while (!operation.done() && ++turn < 1'000'000) {
        co_await sleep(Delay());
    }
    if (!operation.done()) {
        tally.fail("an operation never ends, moment " + std::to_string(static_cast<int>(moment)));
        operation.cancel();
    }
    const long started = tally.started - started_before;
    tally.never_started += 1 - started;
    if (tally.delivered + tally.cancelled - ended_before != started) {
        tally.fail("not exactly one end, moment " + std::to_string(static_cast<int>(moment)));
    }
}

/// A sequence of bytes in which each has its place: a lost, doubled or swapped one shows.
class Sequence {
public:
    static char at(std::uint64_t place) {
        return static_cast<char>(place * 151 + (place >> 8) * 7 + (place >> 16));
    }

    static std::string from(std::uint64_t place, std::size_t size) {
        std::string bytes(size, '\0');
        for (std::size_t i = 0; i < size; ++i) {
            bytes[i] = at(place + i);
        }
        return bytes;
    }

    /// Takes the next bytes; says whether they are the ones that follow.
    bool takes(std::string_view bytes) {
        for (const char byte : bytes) {
            if (byte != at(place_++)) {
                return false;
            }
        }
        return true;
    }

    std::uint64_t place() const { return place_; }

private:
    std::uint64_t place_ = 0;
};

}  // namespace ringio::test_support

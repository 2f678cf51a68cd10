// cancel_sweep: what a cancellation does to a piece of code, at each place where it can strike. The
// scenario is run once to count the places, and once more for each place and moment.
#pragma once

#include <ringio/core/event_loop.hpp>
#include <ringio/testing/sweep.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace ringio::testing {

/// Which tasks of a scenario are cancelled, one in each run.
enum class CancelVictims : unsigned char {
    automatic,  ///< the one that was named; else all, if the scenario is structured; else itself
    one,        ///< the one that was named; else the task of the scenario itself
    all,        ///< the task of the scenario, and each other that it makes
};

/// When the request to cancel is made. A point is one suspension of a victim.
enum class CancelMoment : unsigned char {
    never,          ///< the run that counts the points
    before_start,   ///< before the first step; once of each victim but the scenario itself
    before_wait,    ///< in the step that leads to the point: the wait begins cancelled
    while_waiting,  ///< as soon as the victim is suspended
    after_ready,    ///< the victim was woken and is about to resume
    twice,          ///< while it waits, and again one turn later, if it has not ended by then
    in_cleanup,     ///< while it waits, and again at the next wait, if it makes one
};

/// Returns "while it waits" and the like.
const char* to_string(CancelMoment moment) noexcept;

struct CancelSweepFailure {
    std::size_t point;  ///< from 0
    CancelMoment moment;
    std::string where;  ///< the await: "main.cpp:12 in work()"; empty when there was no cancel
    std::string text;   ///< what is wrong
};

struct CancelSweepOptions {
    CancelVictims victims = CancelVictims::automatic;
    LoopOptions loop = {};             ///< of each run's loop; virtual_time is set anyhow
    std::size_t step_limit = 100'000;  ///< a run with more steps counts as one that never ends
};

/// What a cancel_sweep() has found.
class CancelSweepResult {
public:
    /// Returns how often the victims were suspended in the first run.
    std::size_t points() const noexcept { return points_; }
    /// Returns how many runs there were, the first one and those of unplaced() included.
    std::size_t runs() const noexcept { return runs_; }
    /// Returns in how many runs a request came too late: the victim had ended by then.
    std::size_t unplaced() const noexcept { return unplaced_; }
    /// Returns how often, in the first run, tasks were suspended where no request was made: those
    /// that were no victims, and all in a first step that ran eagerly.
    std::size_t unreached() const noexcept { return unreached_; }
    const std::vector<CancelSweepFailure>& failures() const noexcept { return failures_; }

    /// Returns the failures, a line for each, or an empty text: `CHECK(sweep.report() == "")`.
    std::string report() const;

    /// Returns "3 points, 16 runs (2 without a place for the cancel), 0 failures", and how many
    /// awaits were not reached, if any.
    std::string summary() const;

private:
    friend class CancelSweeper;

    std::size_t points_ = 0;
    std::size_t runs_ = 0;
    std::size_t unplaced_ = 0;
    std::size_t unreached_ = 0;
    std::vector<CancelSweepFailure> failures_;
};

/// Cancels one task of the scenario, the victim, at each of its awaits and moments, each time in a
/// new run. The victim is the task that the scenario names with Sweep::victim(). If it names none
/// and is structured, that is, all its tasks belong to groups, gather(), when_all(), when_any() or
/// staggered_race(), each of them is in turn, and its own; otherwise only its own.
///
/// After each run must hold: every task has ended, whichever way the victim did; the invariants of
/// Sweep::check(); no timer, kernel operation, coroutine frame or descriptor is left; nothing was
/// reported to the exception handler. A deadlock is a failure, and so is an error of a scenario
/// that named another victim; how the end of one of many is borne is left to the scenario.
///
/// The runs must not differ up to the cancel. A first step that is eager is not a point.
/// *Errors*: std::runtime_error within a running loop; what the scenario throws before it is a
/// coroutine. *Lifetime*: `scenario` is only used during the call.
CancelSweepResult cancel_sweep(const Scenario& scenario, const CancelSweepOptions& options = {});

}  // namespace ringio::testing

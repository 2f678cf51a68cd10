// allocation_sweep: what a piece of code does when memory runs out, at each place where it asks for
// some. The scenario is run with the first allocation failing, then with the second, and so on.
#pragma once

#include <ringio/core/event_loop.hpp>
#include <ringio/testing/allocation_faults.hpp>
#include <ringio/testing/sweep.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace ringio::testing {

struct AllocationSweepFailure {
    std::size_t allocation;  ///< from 1; 0: the run in which none failed
    AllocationFailure which;
    std::string text;
};

struct AllocationSweepOptions {
    LoopOptions loop = {};                  ///< of each run's loop; virtual_time is set anyhow
    std::size_t step_limit = 100'000;       ///< a run with more steps counts as one that never ends
    std::size_t allocation_limit = 10'000;  ///< more are a failure: the scenario does not end
};

/// What an allocation_sweep() has found.
class AllocationSweepResult {
public:
    /// Returns how many allocations the scenario makes when none fails.
    std::size_t allocations() const noexcept { return allocations_; }
    std::size_t runs() const noexcept { return runs_; }
    /// Returns in how many runs the scenario ended without an error all the same.
    std::size_t survived() const noexcept { return survived_; }
    const std::vector<AllocationSweepFailure>& failures() const noexcept { return failures_; }

    /// Returns the failures, a line for each, or an empty text: `CHECK(sweep.report() == "")`.
    std::string report() const;

    /// Returns "12 allocations, 25 runs (3 survived), 0 failures".
    std::string summary() const;

private:
    friend class AllocationSweeper;

    std::size_t allocations_ = 0;
    std::size_t runs_ = 0;
    std::size_t survived_ = 0;
    std::vector<AllocationSweepFailure> failures_;
};

/// Runs the scenario with each of its allocations failing in turn: once alone, and once with all
/// that follow. Counted is what this thread allocates with operator new from the call of the
/// scenario to its end; a loop that has run before, and its ring, are there already.
///
/// After each run must hold: the scenario returned, or ended with std::bad_alloc, alone or as the
/// only kind in an ExceptionGroup; its remaining tasks, then cancelled, all end; and what
/// cancel_sweep() demands. A report to the exception handler is accepted when it tells of a
/// std::bad_alloc, or of a coroutine or an error that nobody was left to take; it is not printed,
/// nor is one for which there was no memory.
///
/// *Errors*: std::logic_error without failing_new.hpp; std::runtime_error within a running loop.
/// A std::terminate() ends the program; standard error then says which allocation it was.
AllocationSweepResult allocation_sweep(const Scenario& scenario,
                                       const AllocationSweepOptions& options = {});

}  // namespace ringio::testing

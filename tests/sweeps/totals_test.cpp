// The two runners, the sums, and operator new for the whole binary.
#include "sweep_scenario.hpp"

#include <ringio/testing/failing_new.hpp>

#include <cstdio>

namespace ringio::test_support {
namespace {

struct Totals {
    ~Totals() {
        std::printf(
            "cancel sweeps: %zu scenarios, %zu points, %zu runs, %zu of them unplaced; %zu awaits "
            "not reached\n",
            cancels, points, cancel_runs, unplaced, unreached);
        std::printf("allocation sweeps: %zu scenarios, %zu allocations, %zu runs, %zu survived\n",
                    shortages, allocations, allocation_runs, survived);
    }

    std::size_t cancels = 0;
    std::size_t points = 0;
    std::size_t cancel_runs = 0;
    std::size_t unplaced = 0;
    std::size_t unreached = 0;
    std::size_t shortages = 0;
    std::size_t allocations = 0;
    std::size_t allocation_runs = 0;
    std::size_t survived = 0;
};

Totals totals;

}  // namespace

void run_cancel_sweep(Task<> (*scenario)(Sweep&)) {
    const testing::CancelSweepResult result = testing::cancel_sweep(scenario);
    INFO(result.summary());
    CHECK(result.report() == "");
    CHECK(result.points() > 0);
    ++totals.cancels;
    totals.points += result.points();
    totals.cancel_runs += result.runs();
    totals.unplaced += result.unplaced();
    totals.unreached += result.unreached();
}

void run_allocation_sweep(Task<> (*scenario)(Sweep&)) {
    const testing::AllocationSweepResult result = testing::allocation_sweep(scenario);
    INFO(result.summary());
    CHECK(result.report() == "");
    CHECK(result.allocations() > 0);
    ++totals.shortages;
    totals.allocations += result.allocations();
    totals.allocation_runs += result.runs();
    totals.survived += result.survived();
}

}  // namespace ringio::test_support

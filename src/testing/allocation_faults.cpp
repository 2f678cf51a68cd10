#include <ringio/testing/allocation_faults.hpp>

#include <ringio/base/assert.hpp>

#include <new>
#include <utility>

namespace ringio {
namespace {

struct Faults {
    bool armed = false;   // an AllocationFaults lives
    bool paused = false;  // and the harness itself is at work
    bool goes_on = false;
    std::size_t nth = 0;
    std::size_t count = 0;
};

constinit thread_local Faults faults;

}  // namespace

bool detail::allocation_fails() noexcept {
    if (!faults.armed || faults.paused) {
        return false;
    }
    ++faults.count;
    return faults.nth != 0 &&
           (faults.goes_on ? faults.count >= faults.nth : faults.count == faults.nth);
}

detail::PauseAllocationFaults::PauseAllocationFaults() noexcept
    : before_(std::exchange(faults.paused, true)) {}

detail::PauseAllocationFaults::~PauseAllocationFaults() { faults.paused = before_; }

namespace testing {

AllocationFaults::AllocationFaults(std::size_t nth, AllocationFailure which) noexcept : nth_(nth) {
    RINGIO_ASSERT(!faults.armed, "one AllocationFaults at a time on a thread");
    faults = {.armed = true, .goes_on = which == AllocationFailure::from_then_on, .nth = nth};
}

void AllocationFaults::stop() noexcept {
    if (!std::exchange(stopped_, true)) {
        final_count_ = faults.count;
        faults.armed = false;
    }
}

std::size_t AllocationFaults::count() const noexcept {
    return stopped_ ? final_count_ : faults.count;
}

bool AllocationFaults::installed() {
    AllocationFaults probe(0);
    ::operator delete(::operator new(1));  // a call, not a new-expression: it is not optimised away
    return probe.count() > 0;
}

}  // namespace testing
}  // namespace ringio

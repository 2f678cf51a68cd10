// AllocationFaults: lets operator new fail on purpose, on this thread. failing_new.hpp asks it.
#pragma once

#include <cstddef>

namespace ringio::testing {

/// Which allocations fail.
enum class AllocationFailure : unsigned char {
    once,          ///< the n-th, and no other: the program meets a shortage that passes
    from_then_on,  ///< the n-th and all that follow: there is no memory any more
};

/// Counts this thread's allocations for as long as it lives, and has the n-th fail. One at a time.
///
/// *Lifetime*: made and destroyed on one thread. Without failing_new.hpp in the program it sees no
/// allocation; installed() tells.
class AllocationFaults {
public:
    /// Counts from 1; 0 counts only.
    explicit AllocationFaults(std::size_t nth,
                              AllocationFailure which = AllocationFailure::once) noexcept;
    AllocationFaults(const AllocationFaults&) = delete;
    AllocationFaults& operator=(const AllocationFaults&) = delete;
    ~AllocationFaults() { stop(); }

    /// Ends it early.
    void stop() noexcept;

    /// Returns how many allocations there were.
    std::size_t count() const noexcept;

    /// Says whether one failed.
    bool failed() const noexcept { return nth_ != 0 && count() >= nth_; }

    /// Says whether the program's operator new is that of failing_new.hpp.
    static bool installed();

private:
    std::size_t nth_;
    std::size_t final_count_ = 0;  // once it has ended
    bool stopped_ = false;
};

}  // namespace ringio::testing

namespace ringio::detail {

/// Called for each allocation; says whether it is to fail.
bool allocation_fails() noexcept;

/// Leaves the allocations of a harness out, for as long as it lives.
class PauseAllocationFaults {
public:
    PauseAllocationFaults() noexcept;
    PauseAllocationFaults(const PauseAllocationFaults&) = delete;
    PauseAllocationFaults& operator=(const PauseAllocationFaults&) = delete;
    ~PauseAllocationFaults();

private:
    bool before_;
};

}  // namespace ringio::detail

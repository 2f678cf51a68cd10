// ClockGate: knows by the processor's counter that a deadline has not come yet, so that a turn of a
// loop with an armed timer costs no look at the clock.
#pragma once

#include <ringio/ring/kernel.hpp>

#include <cstdint>

namespace ringio::detail {

/// Shut at one time for a deadline, it stays so until about half of what is left has passed, and is
/// then to be shut anew: some hundred looks at the clock in an hour, however many turns.
///
/// Where the processor has no counter that runs at one pace (x86: an invariant TSC, which the
/// kernel trusts), it is always open. A counter that jumps, as it may in a machine that slept,
/// opens it.
class ClockGate {
public:
    using TimePoint = Clock::time_point;

    /// True: it is certain that `deadline` has not come.
    bool is_shut(TimePoint deadline) const noexcept {
        return deadline >= deadline_ && counter() - shut_at_ < ticks_;
    }

    /// Shuts it at `now`, when nothing is due before `deadline`.
    void shut(TimePoint now, TimePoint deadline) noexcept;

private:
    static std::uint64_t counter() noexcept {
#if defined(__x86_64__)
        return __builtin_ia32_rdtsc();
#else
        return 0;
#endif
    }

    TimePoint deadline_{};
    std::uint64_t shut_at_ = 0;
    std::uint64_t ticks_ = 0;  // 0: open
};

}  // namespace ringio::detail

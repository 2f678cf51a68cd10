#include <ringio/core/clock_gate.hpp>

#include <cstdio>
#include <string_view>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace ringio::detail {
namespace {

#if defined(__x86_64__)
bool has_invariant_counter() noexcept {
    constexpr unsigned power_management = 0x80000007;
    constexpr unsigned invariant = 1U << 8;  // of edx
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    return __get_cpuid(power_management, &eax, &ebx, &ecx, &edx) != 0 && (edx & invariant) != 0;
}

// Kernel: a counter that it found to differ between processors, or to stand still, is not the
// source of its clock. What the files do not say (they may be hidden) is taken for good.
bool kernel_trusts_counter() noexcept {
    std::FILE* const file =
        std::fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
    if (file == nullptr) {
        return true;
    }
    char text[32] = {};
    const std::size_t size = std::fread(text, 1, sizeof(text) - 1, file);
    std::fclose(file);
    const std::string_view source(text, size);
    return size == 0 || source.starts_with("kvm-clock") || source.find("tsc") != source.npos;
}

bool counter_is_steady() noexcept {
    static const bool steady = has_invariant_counter() && kernel_trusts_counter();
    return steady;
}
#else
bool counter_is_steady() noexcept { return false; }
#endif

}  // namespace

// No invariant counter runs slower than 0.5 GHz: half as many ticks as ns are left have passed
// before the deadline.
void ClockGate::shut(TimePoint now, TimePoint deadline) noexcept {
    ticks_ = 0;
    if (deadline > now && counter_is_steady()) {
        deadline_ = deadline;
        shut_at_ = counter();
        // Looked at once more, behind the counter: a thread that is interrupted between the two has
        // less time left than `now` says.
        const TimePoint later = Clock::now();
        ticks_ = later < deadline ? static_cast<std::uint64_t>((deadline - later).count()) / 2 : 0;
    }
}

}  // namespace ringio::detail

// A length of time as every function of the library takes it: any std::chrono::duration converts,
// and one that is out of range saturates instead of overflowing.
#pragma once

#include <chrono>
#include <compare>
#include <concepts>
#include <cstdint>
#include <limits>

namespace ringio {
namespace detail {

[[noreturn]] void throw_delay_is_nan();

}  // namespace detail

/// A signed number of nanoseconds, saturated at about 292 years either way, so that
/// `std::chrono::hours::max()` and an infinite number of seconds mean "practically never".
/// Floating-point durations are rounded to the nearest nanosecond; integer ones that are finer than
/// a nanosecond are cut off.
/// *Errors*: `std::invalid_argument` when the duration is not a number.
class Delay {
public:
    /// No time at all.
    constexpr Delay() noexcept = default;

    /// Converts from any duration.
    template <class Rep, class Period>
    constexpr Delay(std::chrono::duration<Rep, Period> length) noexcept(std::integral<Rep>)
        : nanoseconds_(from<Rep, Period>(length.count())) {}

    /// Returns the length.
    constexpr std::chrono::nanoseconds value() const noexcept {
        return std::chrono::nanoseconds(nanoseconds_);
    }

    /// Tells whether the length is more than nothing.
    constexpr bool is_positive() const noexcept { return nanoseconds_ > 0; }

    friend constexpr bool operator==(const Delay&, const Delay&) noexcept = default;
    friend constexpr std::strong_ordering operator<=>(const Delay&,
                                                      const Delay&) noexcept = default;

private:
    static constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    static constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
    static constexpr std::int64_t per_second = 1'000'000'000;

    template <class Rep, class Period>
    static constexpr std::int64_t from(const Rep& count) {
        if constexpr (!std::integral<Rep>) {
            return from_real(static_cast<long double>(count), Period::num, Period::den);
        } else if constexpr (per_second % Period::den == 0) {
            constexpr std::int64_t scale = per_second / Period::den;
            if constexpr (Period::num <= most / scale) {
                return multiplied<Rep, Period::num * scale>(count);
            } else {
                return count == 0 ? 0 : count > 0 ? most : least;
            }
        } else if constexpr (Period::num == 1 && Period::den % per_second == 0) {
            return divided<Rep, Period::den / per_second>(count);
        } else {  // frames of a film, ticks of a sound card
            return from_real(static_cast<long double>(count), Period::num, Period::den);
        }
    }

    template <class Rep, std::int64_t Factor>
    static constexpr std::int64_t multiplied(Rep count) noexcept {
        if constexpr (std::unsigned_integral<Rep>) {
            return static_cast<std::uint64_t>(count) > static_cast<std::uint64_t>(most / Factor)
                       ? most
                       : static_cast<std::int64_t>(count) * Factor;
        } else {
            const auto wide = static_cast<std::int64_t>(count);
            return wide > most / Factor ? most : wide < least / Factor ? least : wide * Factor;
        }
    }

    template <class Rep, std::int64_t Divisor>
    static constexpr std::int64_t divided(Rep count) noexcept {
        if constexpr (std::unsigned_integral<Rep>) {
            return static_cast<std::int64_t>(static_cast<std::uint64_t>(count) / Divisor);
        } else {
            return static_cast<std::int64_t>(count) / Divisor;
        }
    }

    static constexpr std::int64_t from_real(long double count, std::int64_t numerator,
                                            std::int64_t denominator) {
        constexpr long double limit = 9223372036854775808.0L;  // 2^63
        if (count != count) {
            detail::throw_delay_is_nan();
        }
        const long double exact = count * static_cast<long double>(numerator) * per_second /
                                  static_cast<long double>(denominator);
        const long double rounded = exact < 0 ? exact - 0.5L : exact + 0.5L;
        return rounded >= limit    ? most
               : rounded <= -limit ? least
                                   : static_cast<std::int64_t>(rounded);
    }

    std::int64_t nanoseconds_ = 0;
};

/// Returns the moment `delay` after `when`, or the last (first) moment of the clock when that one
/// is beyond it.
constexpr std::chrono::steady_clock::time_point saturating_add(
    std::chrono::steady_clock::time_point when, Delay delay) noexcept {
    using TimePoint = std::chrono::steady_clock::time_point;
    static_assert(std::same_as<TimePoint::duration, std::chrono::nanoseconds>);
    const std::chrono::nanoseconds length = delay.value();
    if (length.count() > 0 && when > TimePoint::max() - length) {
        return TimePoint::max();
    }
    if (length.count() < 0 && when < TimePoint::min() - length) {
        return TimePoint::min();
    }
    return when + length;
}

}  // namespace ringio

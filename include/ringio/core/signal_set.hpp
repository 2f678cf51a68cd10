// SignalSet: some signals of the process, as one value.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace ringio {

namespace detail {

/// Throws std::invalid_argument("invalid signal number 77").
[[noreturn]] void throw_invalid_signal(int number);

/// "SIGTERM"; "signal 40" for one that has no name.
std::string signal_name(int number);

/// Of a name, "SIGTERM" or "TERM", or of a number in digits; 0 when it is neither.
int signal_number(std::string_view text) noexcept;

}  // namespace detail

/// A set of signal numbers, kept by value: `SignalSet stop = {SIGINT, SIGTERM};`.
///
/// *Errors*: std::invalid_argument "invalid signal number 77" for what is no signal of Linux, 1 to
/// 64. Whether a signal can be handled is found out by who handles it.
class SignalSet {
public:
    static constexpr int highest = 64;

    constexpr SignalSet() noexcept = default;
    // Not an initializer_list. GCC 12: "array used as initializer", within a co_await expression.
    template <std::same_as<int>... Others>
    constexpr SignalSet(int first, Others... others) {
        add(first);
        (add(others), ...);
    }

    constexpr void add(int number) { bits_ |= bit(number); }
    constexpr void remove(int number) { bits_ &= ~bit(number); }
    constexpr bool contains(int number) const { return (bits_ & bit(number)) != 0; }
    constexpr bool empty() const noexcept { return bits_ == 0; }
    constexpr int size() const noexcept { return std::popcount(bits_); }

    /// Takes the lowest number out and returns it; 0 when the set is empty.
    constexpr int take_lowest() noexcept {
        if (bits_ == 0) {
            return 0;
        }
        const int lowest = std::countr_zero(bits_) + 1;
        bits_ &= bits_ - 1;
        return lowest;
    }

    friend constexpr SignalSet operator|(SignalSet a, SignalSet b) noexcept {
        return from_bits(a.bits_ | b.bits_);
    }
    friend constexpr SignalSet operator&(SignalSet a, SignalSet b) noexcept {
        return from_bits(a.bits_ & b.bits_);
    }
    /// What is in `a` and not in `b`.
    friend constexpr SignalSet operator-(SignalSet a, SignalSet b) noexcept {
        return from_bits(a.bits_ & ~b.bits_);
    }
    friend constexpr bool operator==(SignalSet, SignalSet) noexcept = default;

    /// "SIGINT, SIGTERM".
    std::string repr() const;

    /// Bit n is signal n + 1: how a set is handed over where only atomics may be touched.
    constexpr std::uint64_t bits() const noexcept { return bits_; }
    static constexpr SignalSet from_bits(std::uint64_t bits) noexcept {
        SignalSet set;
        set.bits_ = bits;
        return set;
    }

private:
    static constexpr std::uint64_t bit(int number) {
        if (number < 1 || number > highest) {
            detail::throw_invalid_signal(number);
        }
        return std::uint64_t{1} << (number - 1);
    }

    std::uint64_t bits_ = 0;
};

}  // namespace ringio

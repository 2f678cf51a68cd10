// The most bytes that one request moves.
#pragma once

#include <cstddef>

namespace ringio {

/// One GiB. Longer requests are clamped: the kernel's lengths are 32 bits wide and its results are
/// ints, and a transfer may be short anyway.
inline constexpr std::size_t max_transfer = std::size_t{1} << 30;

/// Clamps a length to max_transfer.
constexpr unsigned clamp_transfer(std::size_t size) noexcept {
    return static_cast<unsigned>(size < max_transfer ? size : max_transfer);
}

}  // namespace ringio

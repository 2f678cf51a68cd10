// The marks between which writers wait, as asyncio derives one from the other.
#pragma once

#include <ringio/streams/stream_outbound.hpp>

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>

namespace ringio::detail {

struct WaterMarks {
    std::size_t high;
    std::size_t low;
};

/// *Errors*: std::invalid_argument when low is above high.
inline WaterMarks water_marks_of(std::optional<std::size_t> high, std::optional<std::size_t> low) {
    const std::size_t high_mark = high ? *high : (low ? 4 * *low : default_high_water);
    const std::size_t low_mark = low ? *low : high_mark / 4;
    if (low_mark > high_mark) {
        throw std::invalid_argument("high (" + std::to_string(high_mark) + ") must be >= low (" +
                                    std::to_string(low_mark) + ") must be >= 0");
    }
    return {high_mark, low_mark};
}

}  // namespace ringio::detail

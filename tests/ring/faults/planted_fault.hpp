// The fault that this run of the tests is to find; mostly none.
#pragma once

#include <chrono>
#include <cstdlib>
#include <string_view>

namespace ringio::testing {

/// The fault that RINGIO_PLANTED_FAULT names; mostly empty. "none" is a kernel in between that does
/// nothing wrong.
inline std::string_view planted_fault() {
    static const char* const name = std::getenv("RINGIO_PLANTED_FAULT");
    return name != nullptr ? name : "";
}

/// How long a test waits for what has to come before it gives up. Where a fault is planted it comes
/// at once, or never.
inline std::chrono::seconds patience() {
    const bool right = planted_fault().empty() || planted_fault() == "none";
    return std::chrono::seconds(right ? 20 : 1);
}

}  // namespace ringio::testing

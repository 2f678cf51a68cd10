// What the targets of libFuzzer have in common; see tests/fuzz.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace ringio::fuzz {

/// Ends the program if something does not hold: that is what libFuzzer looks for.
inline void must_hold(bool holds, std::string_view what) {
    if (!holds) {
        std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
        std::abort();
    }
}

}  // namespace ringio::fuzz

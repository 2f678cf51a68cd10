// RINGIO_ASSERT: a cheap invariant that is checked in every build. A loop whose books do not
// balance must stop, not corrupt memory.
#pragma once

#include <ringio/base/config.hpp>

namespace ringio::detail {

/// Prints "ringio: assertion failed: …" with the place to standard error and aborts.
[[noreturn]] RINGIO_NOINLINE void assertion_failed(const char* condition, const char* sentence,
                                                   const char* file, int line) noexcept;

}  // namespace ringio::detail

#define RINGIO_ASSERT(condition, sentence) \
    (static_cast<bool>(condition)          \
         ? static_cast<void>(0)            \
         : ::ringio::detail::assertion_failed(#condition, sentence, __FILE__, __LINE__))

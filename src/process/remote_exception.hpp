// Exceptions on their way from a worker process.
#pragma once

#include <ringio/process/archive.hpp>

#include <cstdint>
#include <exception>

namespace ringio::detail {

/// No exception takes more bytes, whatever its text: a longer one is cut.
inline constexpr std::uint64_t longest_exception = std::uint64_t{1} << 18U;

/// Writes the exception that is being handled.
void write_current_exception(concurrent::ArchiveOut& out);

/// Reads one that write_current_exception() has written in another process.
std::exception_ptr read_exception(concurrent::ArchiveIn& in);

}  // namespace ringio::detail

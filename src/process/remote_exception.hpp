// Exceptions on their way from a worker process.
#pragma once

#include <ringio/process/archive.hpp>

#include <exception>

namespace ringio::detail {

/// Writes the exception that is being handled.
void write_current_exception(concurrent::ArchiveOut& out);

/// Reads one that write_current_exception() has written in another process.
std::exception_ptr read_exception(concurrent::ArchiveIn& in);

}  // namespace ringio::detail

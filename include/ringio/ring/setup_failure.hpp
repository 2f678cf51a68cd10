// What to tell a person whose machine refuses io_uring: the cause, and what to do about it.
#pragma once

#include <cstdint>
#include <string>

namespace ringio {

/// The value of /proc/sys/kernel/io_uring_disabled when there is no such file.
inline constexpr int no_io_uring_sysctl = -1;

/// What was asked for and allowed when the set-up failed.
struct SetupLimits {
    unsigned entries = 0;          // submission entries of the last attempt
    std::uint64_t memlock = 0;     // RLIMIT_MEMLOCK in bytes
    std::uint64_t open_files = 0;  // RLIMIT_NOFILE
    const char* operation = "";    // the one that was refused, when it was not the set-up
};

/// Explains a refusal of io_uring_setup: names the cause and the remedy. A pure function.
/// `error` is an errno, `sysctl_value` that of kernel.io_uring_disabled or no_io_uring_sysctl.
std::string explain_setup_failure(int error, int sysctl_value, const SetupLimits& limits);

/// Tells by what uname(2) gives as its release whether requests of a ring that is set up may be
/// refused one by one. A pure function.
bool has_request_filters(const char* release) noexcept;

/// Reads kernel.io_uring_disabled: 0, 1, 2, or no_io_uring_sysctl.
int read_io_uring_sysctl() noexcept;

}  // namespace ringio

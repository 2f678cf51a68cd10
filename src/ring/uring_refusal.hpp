// Whether this machine refuses io_uring, found out without harm: a refusal may be a signal that
// kills.
#pragma once

#include <optional>
#include <string>

namespace ringio::detail {

/// Why io_uring must not be tried in this process; nothing when it may be.
std::optional<std::string> foresee_uring_refusal();

/// Tells whether an error of UringKernel says that this machine has no io_uring for us, and not
/// that memory or descriptors are short.
bool is_uring_refusal(int error) noexcept;

}  // namespace ringio::detail

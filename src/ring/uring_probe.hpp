// What tells, before anything relies on it, whether io_uring does what it was set up for.
#pragma once

struct io_uring;

namespace ringio {

class Kernel;

namespace detail {

/// The operations that ringio asks for, and their names: what a restricted ring allows.
struct UsedOperation {
    unsigned char opcode;
    const char* name;
};
inline constexpr unsigned used_operations_count = 23;
extern const UsedOperation used_operations[used_operations_count];

/// Asks for each operation once, in a way that cannot succeed. Returns null when all were answered;
/// the name of one that is refused, when a filter or a restriction allows not all of them; "" when
/// the requests are not answered within a second, as in a sandbox that only seems to have io_uring.
/// The queues are as before.
const char* find_refused_operation(Kernel& kernel) noexcept;

/// Allows a ring that is set up, and disabled, nothing but what ringio asks for, and enables it.
/// Returns 0 or -errno.
int restrict_ring(io_uring& ring) noexcept;

}  // namespace detail
}  // namespace ringio

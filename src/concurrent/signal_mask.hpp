// The signal mask of programs. A thread of a pool takes no signals; what it starts is to take them.
#pragma once

#include <signal.h>

namespace ringio::concurrent {

/// Which signals are blocked in a program that this thread starts: those that the thread blocks,
/// or, in a thread of a pool, those that the thread blocked which made it.
sigset_t signal_mask_of_programs() noexcept;

/// Says which they are from now on.
void set_signal_mask_of_programs(const sigset_t& mask) noexcept;

}  // namespace ringio::concurrent

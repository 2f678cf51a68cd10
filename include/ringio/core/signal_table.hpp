// The signals of the process, and which event loop each of them belongs to. The only place that
// installs a handler, and the only code of ringio that runs within one.
#pragma once

#include <ringio/core/forward.hpp>

namespace ringio::detail {

/// Refuses what no loop can handle.
/// *Errors*: std::invalid_argument "invalid signal number 77"; std::runtime_error "sig 9 cannot be
/// caught", or for SIGSEGV and its like, which the instruction that failed raises.
void check_signal(int number);

/// Has a signal of the process noted in `mailbox`, which is of a loop, from now on. Again for the
/// same one: puts ringio's handler back where somebody has replaced it.
/// *Errors*: as check_signal(); std::runtime_error when it belongs to another loop.
void claim_signal(int number, Mailbox& mailbox);

/// Ends that, and restores what was there before, unless somebody else has replaced ringio's
/// handler meanwhile. No handler touches `mailbox` for it any more. Does nothing when it is
/// another's.
void release_signal(int number, Mailbox& mailbox) noexcept;

/// Whether nobody but `mailbox` has anything to do with a signal: by default it ends the process.
bool is_left_to_default(int number, const Mailbox& mailbox) noexcept;

/// Has each SIGINT counted, and the second one lay ringio's handler down: should the loop not come
/// round any more, the next one kills. False: SIGINT is a signal as any other.
void count_interrupts(bool counted) noexcept;
/// How many were counted since the last restart.
int interrupts() noexcept;
void restart_interrupts() noexcept;

}  // namespace ringio::detail

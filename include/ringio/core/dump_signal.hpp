// RINGIO_DUMP_SIGNAL: has a loop print its tasks when the process gets a signal.
#pragma once

#include <ringio/core/forward.hpp>

namespace ringio::detail {

/// The signal that the environment variable RINGIO_DUMP_SIGNAL names, "USR1", "SIGUSR1" or "10"; 0
/// when it is unset or empty.
/// *Errors*: std::invalid_argument for what is no signal, or none that can be handled: a typing
/// error must not be found out by a signal that kills.
int dump_signal_from_environment();

/// Has a loop that has such a signal print its tasks to standard error at each, unless another loop
/// does, or has it for something else. It gives way to a handler of the program's.
void take_dump_signal(EventLoop& loop);

}  // namespace ringio::detail

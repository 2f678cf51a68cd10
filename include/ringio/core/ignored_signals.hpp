// The signals that tell of a failed write and by default end the process: SIGPIPE, SIGXFSZ. A write
// of ringio reports EPIPE and EFBIG instead, as Python does.
#pragma once

#include <ringio/core/signal_set.hpp>

namespace ringio::detail {

/// Has the process ignore a signal if it would still end the process: a handler, or that it is
/// ignored already, stays. To be called before the first write that may raise it.
void ignore_if_default(int number) noexcept;

/// Those that are ignored because of that: a program that is started gets them as they were.
SignalSet ignored_by_ringio() noexcept;

}  // namespace ringio::detail

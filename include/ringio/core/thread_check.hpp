// In debug mode a loop refuses calls from another thread than the one that runs it. As long as no
// loop of the process is in debug mode, a check is one look at memory.
#pragma once

#include <ringio/base/config.hpp>

#include <atomic>

namespace ringio {

class EventLoop;

namespace detail {

class Machine;

/// Says whether a loop of this process is, or was, in debug mode.
RINGIO_VARIABLE(std::atomic<bool> threads_are_checked, = false);

/// What check_thread() and require_thread() do when there is something to check. Null is fine.
RINGIO_NOINLINE void check_thread_of(const EventLoop* loop);
RINGIO_NOINLINE void check_thread_of(const Machine* machine);
RINGIO_NOINLINE void require_thread_of(const EventLoop* loop) noexcept;
RINGIO_NOINLINE void require_thread_of(const Machine* machine) noexcept;

/// Refuses a call on a loop (or none) that another thread runs.
/// *Errors*: std::runtime_error "Non-thread-safe operation invoked on an event loop …".
inline void check_thread(const EventLoop* loop) {
    if (threads_are_checked.load(std::memory_order_relaxed)) [[unlikely]] {
        check_thread_of(loop);
    }
}

/// The same where nothing may be thrown: prints that sentence and aborts.
inline void require_thread(const EventLoop* loop) noexcept {
    if (threads_are_checked.load(std::memory_order_relaxed)) [[unlikely]] {
        require_thread_of(loop);
    }
}
inline void require_thread(const Machine* machine) noexcept {
    if (threads_are_checked.load(std::memory_order_relaxed)) [[unlikely]] {
        require_thread_of(machine);
    }
}

}  // namespace detail
}  // namespace ringio

// An event loop and the other threads: what they may call, how a wrong call is refused, and what
// becomes of a loop on another thread than the one that ran it.
#include <ringio/core/event_loop.hpp>

#include <ringio/core/posted_call.hpp>
#include "loop_services.hpp"

#include <cstdio>

namespace ringio {

void EventLoop::call_soon_threadsafe(Callback callback) {
    if (detail::running_loop == this) {
        call_soon(std::move(callback));  // from the loop itself: in order with its other calls
        return;
    }
    if (is_inherited()) {
        throw std::runtime_error(OwnProcess::refusal);
    }
    // Held, for the call may end the loop before this returns.
    const std::shared_ptr<detail::LoopServices> services = services_;
    if (!services->mailbox.post(std::make_unique<detail::PostedCall>(std::move(callback)))) {
        throw_closed();
    }
}

std::shared_ptr<void> EventLoop::expect_wakeup() { return services_->mailbox.expect_wakeup(); }

void EventLoop::set_interrupt_handler(std::function<void()> handler) {
    services_->interrupt_handler = std::move(handler);
}

void EventLoop::notify_interrupt() noexcept {
    services_->mailbox.notify_interrupt(services_->process);
}

void EventLoop::refuse_call() const {
    if (closed_) {
        throw_closed();
    }
    detail::check_thread_of(this);
}

void EventLoop::set_debug(bool enabled) noexcept {
    debug_.store(enabled, std::memory_order_relaxed);
    checks_calls_ = enabled || closed_;
    looks_around_ = true;
    if (enabled) {
        detail::threads_are_checked.store(true, std::memory_order_relaxed);
    }
}

// On another thread than the ring's, which may not enter the kernel with it. Returns whether the
// loop can be closed here: only the request that wakes it is in flight, whose memory is kept.
bool EventLoop::leave_ring_behind() {
    if (!ring_ || ring_->is_here()) {
        return true;
    }
    services_->mailbox.stop_wake();
    if (!ring_->leave_behind(services_->mailbox.wake_request())) {
        return false;
    }
    if (services_->mailbox.wake_armed()) {
        services_->keep_for_ever(services_, {}, nullptr);
    }
    return true;
}

// The last resort of the destructor: what the kernel may still write to stays in memory.
void EventLoop::forsake() {
    std::fprintf(stderr,
                 "ringio: an event loop is destroyed on another thread than the one that ran it, "
                 "with %zu operations in flight there: they, and all tasks, are left in memory\n",
                 statistics().operations);
    services_->mailbox.refuse_posts();
    leave_everything();
    mark_closed();
}

}  // namespace ringio

// An event loop and the other threads: what they may call, how a wrong call is refused, and what
// becomes of a loop on another thread than the one that ran it.
#include <ringio/core/event_loop.hpp>

#include <ringio/core/posted_call.hpp>
#include "loop_services.hpp"

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
    if (!services->post(std::make_unique<detail::PostedCall>(std::move(callback)))) {
        throw_closed();
    }
}

std::shared_ptr<void> EventLoop::expect_wakeup() { return services_->expect_wakeup(); }

void EventLoop::set_interrupt_handler(std::function<void()> handler) {
    services_->interrupt_handler = std::move(handler);
}

void EventLoop::notify_interrupt() noexcept { services_->notify_interrupt(); }

}  // namespace ringio

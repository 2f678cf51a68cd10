// The end of an event loop: in order, when its ring is lost, and in the child of a fork.
#include <ringio/core/event_loop.hpp>

#include <ringio/core/task_state.hpp>
#include "loop_services.hpp"

#include <pthread.h>

#include <mutex>
#include <stdexcept>
#include <string>

namespace ringio {
namespace {

// What made a step of a loop end that its process left.
struct LeftByFork {};

// In the child, the loop that ran where fork() was called is not running. The step goes on, and may
// run a loop of its own; should it return to the parent's, that stops at once.
void leave_running_loop() noexcept {
    if (EventLoop* const loop = std::exchange(detail::running_loop, nullptr)) {
        loop->escape(std::make_exception_ptr(LeftByFork()));
    }
}

}  // namespace

void detail::leave_loop_at_fork() noexcept {
    static const int watched = ::pthread_atfork(nullptr, nullptr, &leave_running_loop);
    static_cast<void>(watched);
}

bool EventLoop::is_inherited() const noexcept { return services_->process.is_left(); }

void EventLoop::close() {
    if (is_running() && !is_inherited()) {
        throw std::runtime_error("Cannot close a running event loop");
    }
    if (closed_) {
        return;
    }
    if (is_inherited()) {
        leave_everything();
    } else if (leave_ring_behind()) {
        end_everything();
    } else {
        throw std::runtime_error("This event loop ran on another thread and has " +
                                 std::to_string(statistics().operations) +
                                 " operations in flight there: close it on that thread");
    }
    mark_closed();
    ring_.reset();
}

// From now on calls are refused, and handles find no loop.
void EventLoop::mark_closed() noexcept {
    closed_ = true;
    checks_calls_ = true;
    anchor_->loop = nullptr;
}

// Destructors may start what they like: again, until nothing is left.
void EventLoop::end_everything() noexcept {
    services_->mailbox.refuse_posts();
    do {
        if (!cancel_and_reap_everything()) {
            threads_.reset();
            leave_everything();
            return;
        }
        discard_queued();
        destroy_pending_tasks();
        std::exchange(threads_, nullptr).reset();  // joins; who waited for this loop was let go
    } while (is_anything_left());
}

bool EventLoop::is_anything_left() const noexcept {
    return !ready_.empty() || !timers_.empty() || !services_->tasks.empty() || threads_ ||
           (ring_ && ring_->in_flight() > 0);
}

// False when the ring cannot go on: what is in flight never ends.
bool EventLoop::cancel_and_reap_everything() noexcept {
    if (!ring_ || ring_->in_flight() == 0) {
        return true;
    }
    services_->mailbox.stop_wake();
    try {
        while (ring_->in_flight() > 0) {
            ring_->cancel_all();
            ring_->enter(true, std::chrono::seconds(1));
            ring_->reap();
        }
        return true;
    } catch (const std::system_error&) {
        call_exception_handler(
            {.message = "an event loop is closed whose ring cannot go on: what is pending stays in "
                        "memory, for the kernel may still write to it",
             .exception = std::current_exception(),
             .details = {}});
        return false;
    }
}

void EventLoop::discard_queued() noexcept {
    while (Runnable* runnable = ready_.pop_front()) {
        runnable->discard();
    }
    while (Timer* timer = timers_.take_any()) {
        timer->discard();
    }
}

void EventLoop::destroy_pending_tasks() noexcept {
    while (detail::TaskStateBase* task = services_->tasks.front()) {
        const IntrusivePtr<detail::TaskStateBase> keep(task);
        remove_task(*task);
        task->destroy_pending();
        discard_queued();  // a destructor may have woken a task that is destroyed next
    }
}

// Neither runs nor destroys what is pending. In a child that would be the parent's files, locks and
// connections; with a lost ring, memory that the kernel writes to. Handles to it find no loop.
void EventLoop::leave_everything() noexcept {
    while (Timer* const timer = timers_.take_any()) {
        ready_.push_back(*timer);
    }
    while (turn_ends_.pop_front() != nullptr) {
    }
    for (Runnable* left = ready_.front(); left != nullptr; left = left->next_ready) {
        left->outlive_loop();
    }
    services_->keep_for_ever(services_, std::move(ready_), std::move(threads_));
    if (!is_inherited()) {
        services_->lost_ring = std::move(ring_);
    }
}

}  // namespace ringio

// The end of a machine: in order, on another thread than the ring's, and in the child of a fork.
#include <ringio/core/machine.hpp>

#include <ringio/core/loop_books.hpp>

#include <pthread.h>

#include <exception>

namespace ringio::detail {
namespace {

// What made a step of a loop end that its process left.
struct LeftByFork {};

// In the child, the loop that ran where fork() was called is not running. The step goes on, and may
// run a loop of its own; should it return to the parent's, that stops at once.
void leave_running_loop() noexcept {
    if (EventLoop* const loop = std::exchange(running_loop, nullptr)) {
        loop->machine().escape(std::make_exception_ptr(LeftByFork()));
    }
}

}  // namespace

void leave_loop_at_fork() noexcept {
    static const int watched = ::pthread_atfork(nullptr, nullptr, &leave_running_loop);
    static_cast<void>(watched);
}

bool Machine::leave_ring_behind() { return !ring_ || ring_->is_here() || ring_->leave_behind(); }

void Machine::end_requests() {
    if (ring_) {
        ring_->end_requests();
    }
}

void Machine::discard_queued() noexcept {
    while (Runnable* runnable = ready_.pop_front()) {
        runnable->discard();
    }
    while (Timer* timer = timers_.take_any()) {
        timer->discard();
    }
}

bool Machine::is_anything_left() const noexcept {
    return !ready_.empty() || !timers_.empty() || (ring_ && ring_->in_flight() > 0);
}

void Machine::leave_everything() noexcept {
    while (Timer* const timer = timers_.take_any()) {
        ready_.push_back(*timer);
    }
    while (turn_ends_.pop_front() != nullptr) {
    }
    for (Runnable* left = ready_.front(); left != nullptr; left = left->next_ready) {
        left->outlive_loop();
    }
    books_->keep_for_ever(books_, std::move(ready_), std::exchange(books_->ends_with_loop, {}));
    if (!is_inherited()) {
        books_->lost_ring = std::move(ring_);
    }
}

void Machine::mark_closed() noexcept {
    closed_ = true;
    checks_calls_ = true;
    anchor_->loop = nullptr;
}

}  // namespace ringio::detail

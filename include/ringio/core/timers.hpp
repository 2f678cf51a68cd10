// The timers of a loop: a heap in user space, ordered by deadline and then by creation, so that
// equal deadlines fire in the order in which they were made. Almost every timeout is cancelled, so
// a timer knows its place in the heap and leaves it at once.
#pragma once

#include <ringio/base/intrusive_heap.hpp>
#include <ringio/core/handle.hpp>
#include <ringio/ring/kernel.hpp>

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>

namespace ringio {

/// A Runnable with a deadline: when that passes, the loop queues it.
class Timer : public Runnable, public IntrusiveHeapHook {
protected:
    ~Timer() = default;
};

/// The armed timers of one loop.
class Timers {
public:
    using TimePoint = Clock::time_point;

    void arm(Timer& timer, TimePoint deadline) {
        heap_.push(timer, deadline.time_since_epoch().count());
    }

    /// Takes the timer out if it is armed; says whether it was.
    bool disarm(Timer& timer) noexcept {
        if (!timer.is_in_heap()) {
            return false;
        }
        heap_.remove(timer);
        return true;
    }

    bool empty() const noexcept { return heap_.empty(); }
    std::size_t size() const noexcept { return heap_.size(); }

    /// The earliest deadline. Only when not empty.
    TimePoint next_deadline() noexcept { return TimePoint(Clock::duration(heap_.top_rank())); }

    /// Moves every timer that is due at `now` to the end of `ready`, in order.
    void expire(TimePoint now, ReadyQueue& ready) noexcept;

    /// Takes out any timer, or returns null when there is none.
    Timer* take_any() noexcept {
        if (heap_.empty()) {
            return nullptr;
        }
        Timer* timer = heap_.top();
        heap_.pop();
        return timer;
    }

private:
    IntrusiveHeap<Timer> heap_;
};

namespace detail {

/// The shared part of a TimerHandle.
class TimerHandleState final : public Timer, public ScheduledCallback {
public:
    TimerHandleState(EventLoop& loop, const std::source_location& where, std::size_t size) noexcept
        : ScheduledCallback(&loop, where), size_(size) {}

    using ScheduledCallback::hold;
    void run() override;
    void discard() noexcept override;
    void outlive_loop() noexcept override { forget_loop(); }
    std::string repr() const override { return describe("TimerHandle"); }
    void cancel() noexcept;
    Timers::TimePoint when() const noexcept { return when_; }
    void set_when(Timers::TimePoint when) noexcept { when_ = when; }

    friend void intrusive_add_ref(TimerHandleState* state) noexcept { ++state->references_; }
    friend void intrusive_release(TimerHandleState* state) noexcept {
        if (--state->references_ == 0) {
            state->retire();
        }
    }

private:
    void retire() noexcept;

    std::size_t size_;  // of the block
    Timers::TimePoint when_;
};

}  // namespace detail

/// A callback scheduled for a point in time; asyncio.TimerHandle. Copies refer to the same one.
class TimerHandle {
public:
    /// Refers to nothing; cancel() does nothing.
    TimerHandle() = default;
    explicit TimerHandle(IntrusivePtr<detail::TimerHandleState> state) noexcept
        : state_(std::move(state)) {}

    /// Sees to it that the callback does not run, and destroys it at once. Idempotent.
    void cancel() noexcept {
        if (state_) {
            state_->cancel();
        }
    }
    bool cancelled() const noexcept { return state_ && state_->cancelled(); }

    /// Returns the deadline, on the clock of EventLoop::time().
    Timers::TimePoint when() const noexcept {
        return state_ ? state_->when() : Timers::TimePoint{};
    }

    /// Returns a copy of the context that the callback runs in.
    Context get_context() const { return state_ ? state_->context() : Context(); }

    /// "<TimerHandle main() at main.cpp:12>".
    std::string repr() const { return state_ ? state_->repr() : "<TimerHandle>"; }

private:
    IntrusivePtr<detail::TimerHandleState> state_;
};

}  // namespace ringio

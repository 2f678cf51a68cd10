// A semaphore and an event on the minimal loop: a number or a flag, and who waits in a singly
// linked line. A permit goes straight to the one who waits longest. No cancellation.
#pragma once

#include "minimal.hpp"

#include <coroutine>
#include <cstddef>

namespace minimal {

/// Those who wait, first in, first out; what they wait in lives in their frames.
class Line {
public:
    bool empty() const noexcept { return first_ == nullptr; }
    void push(Ready& waiting) noexcept {
        waiting.next = nullptr;
        *end_ = &waiting;
        end_ = &waiting.next;
    }
    void wake_first() noexcept {
        Ready& waiting = *first_;
        first_ = waiting.next;
        if (first_ == nullptr) {
            end_ = &first_;
        }
        running_loop->push(waiting);
    }

private:
    Ready* first_ = nullptr;
    Ready** end_ = &first_;
};

class Semaphore {
public:
    explicit Semaphore(std::size_t value) noexcept : value_(value) {}
    Semaphore(const Semaphore&) = delete;

    struct Acquire {
        Semaphore& semaphore;
        Ready ready{};

        bool await_ready() noexcept { return semaphore.value_ > 0 && (--semaphore.value_, true); }
        void await_suspend(std::coroutine_handle<> self) noexcept {
            ready.coroutine = self;
            semaphore.line_.push(ready);
        }
        void await_resume() const noexcept {}
    };

    Acquire acquire() noexcept { return {*this}; }
    void release() noexcept {
        if (line_.empty()) {
            ++value_;
        } else {
            line_.wake_first();
        }
    }

private:
    std::size_t value_;
    Line line_;
};

class Event {
public:
    Event() = default;
    Event(const Event&) = delete;

    struct Wait {
        Event& event;
        Ready ready{};

        bool await_ready() const noexcept { return event.set_; }
        void await_suspend(std::coroutine_handle<> self) noexcept {
            ready.coroutine = self;
            event.line_.push(ready);
        }
        void await_resume() const noexcept {}
    };

    Wait wait() noexcept { return {*this}; }
    void clear() noexcept { set_ = false; }
    void set() noexcept {
        set_ = true;
        while (!line_.empty()) {
            line_.wake_first();
        }
    }

private:
    bool set_ = false;
    Line line_;
};

}  // namespace minimal

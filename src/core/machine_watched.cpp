// What is rare in a machine: steps that somebody watches, virtual time, the search for deadlocks.
#include <ringio/core/machine.hpp>

#include <ringio/base/scope_exit.hpp>
#include <ringio/core/loop_books.hpp>
#include <ringio/core/step_observer.hpp>
#include <ringio/core/task_tree.hpp>

#include <algorithm>
#include <string>

namespace ringio::detail {

void Machine::set_debug(bool enabled) noexcept {
    debug_.store(enabled, std::memory_order_relaxed);
    checks_calls_ = enabled || closed_;
    attention_.looks_around = true;
    if (enabled) {
        threads_are_checked.store(true, std::memory_order_relaxed);
    }
}

void Machine::set_step_observer(StepObserver* observer) noexcept {
    books_->step_observer = observer;
    attention_.looks_around = true;
}

bool Machine::is_watched() const noexcept {
    return books_->step_observer != nullptr || books_->is_shuffled() || is_debug();
}

// A loop that never sleeps gives back, now and then, the memory of frames that nobody needs.
void Machine::look_around() noexcept {
    constexpr unsigned turns_between = 16;
    if (frame_pool.has_surplus() && ++turns_with_surplus_ % turns_between == 0) {
        static_cast<void>(frame_pool.tend());
    }
    watched_ = is_watched();
    attention_.looks_around = watched_ || frame_pool.has_surplus();
}

void Machine::run_ready_watched() {
    ReadyQueue batch(std::move(ready_));
    const ScopeExit keep_rest([&] { ready_.prepend(std::move(batch)); });
    books_->shuffle(batch);
    while (Runnable* const runnable = batch.front()) {
        StepObserver* const observer = books_->step_observer;
        if (observer != nullptr) {
            observer->before_step(*runnable);
        }
        batch.pop_front();  // not before: an observer that throws loses no step
        if (is_debug()) {
            books_->run_timed(*anchor_->loop, *runnable);
        } else {
            runnable->run();
        }
        // Whoever was replaced meanwhile, by itself or by the step, may be gone.
        if (observer != nullptr && observer == books_->step_observer) {
            observer->after_step();
        }
        if (escaped_) {
            throw_escaped();
        }
    }
}

// What virtual time and the search for deadlocks have to say; nothing: as always.
std::optional<std::chrono::nanoseconds> Machine::work_out_watched_sleep() {
    if (!virtual_time_ && !awaits_completion_) {
        return std::nullopt;
    }
    // What was submitted and not handed over yet may be complete once it is.
    if (ring_->has_work()) {
        return std::chrono::nanoseconds(0);
    }
    if (only_timers_can_wake()) {
        if (!timers_.empty() && virtual_time_ && !kernel_keeps_time_) {
            virtual_now_ = std::max(virtual_now_, timers_.next_deadline());
            return std::chrono::nanoseconds(0);
        }
        if (timers_.empty() && awaits_completion_ && !books_->expects_signals()) {
            report_deadlock();
        }
    }
    return std::nullopt;
}

void Machine::take_over_kernels_time() noexcept {
    kernel_keeps_time_ = ring_->kernel().keeps_time();
    if (kernel_keeps_time_) {
        virtual_time_ = true;
        virtual_now_ = ring_->now();
    }
}

// That a loop runs slower than it could is heard where somebody listens.
void Machine::tell_remark() const noexcept {
    if (is_debug() && !ring_->kernel().remark().empty()) {
        anchor_->loop->call_exception_handler({.message = std::string(ring_->kernel().remark()),
                                               .exception = nullptr,
                                               .details = {}});
    }
}

// While kernel operations are in flight, virtual time passes as time really does.
void Machine::advance_virtual_time(std::chrono::nanoseconds sleep, TimePoint slept_from) noexcept {
    if (kernel_keeps_time_) {
        virtual_now_ = ring_->now();
        return;
    }
    virtual_now_ += std::min<std::chrono::nanoseconds>(Clock::now() - slept_from, sleep);
}

bool Machine::only_timers_can_wake() const noexcept {
    return ring_->in_flight() == 0 && !ring_->has_work() && books_->mailbox.nobody_will_post();
}

void Machine::report_deadlock() const {
    std::string text = "deadlock: nothing can ever wake this event loop";
    const std::string tasks = format_task_tree(*anchor_->loop, 2);
    text += tasks.empty() ? ", which has no task: who is to set the future that it runs for?\n"
                          : "; these tasks wait:\n" + tasks;
    if (!virtual_time_) {
        text +=
            "If another thread is to wake it, have that thread hold EventLoop::expect_wakeup().\n";
    }
    text.pop_back();
    throw DeadlockError(text);
}

}  // namespace ringio::detail

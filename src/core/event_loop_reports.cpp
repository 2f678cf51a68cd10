// What an event loop has to say: errors that nobody else can take, slow steps, a deadlock.
#include <ringio/core/event_loop.hpp>

#include <ringio/base/scope_exit.hpp>
#include <ringio/core/report.hpp>
#include <ringio/core/repr.hpp>
#include <ringio/core/step_observer.hpp>
#include <ringio/core/task_tree.hpp>
#include "loop_services.hpp"

#include <fmt/format.h>

namespace ringio {

void EventLoop::run_ready_watched() {
    ReadyQueue batch(std::move(ready_));
    const ScopeExit keep_rest([&] { ready_.prepend(std::move(batch)); });
    services_->shuffle(batch);
    while (Runnable* const runnable = batch.front()) {
        detail::StepObserver* const observer = services_->step_observer;
        if (observer != nullptr) {
            observer->before_step(*runnable);
        }
        batch.pop_front();  // not before: an observer that throws loses no step
        if (get_debug()) {
            run_timed(*runnable);
        } else {
            runnable->run();
        }
        // Whoever was replaced meanwhile, by itself or by the step, may be gone.
        if (observer != nullptr && observer == services_->step_observer) {
            observer->after_step();
        }
        if (escaped_) {
            throw_escaped();
        }
    }
}

// What a report says is asked for before the step, which may destroy itself; a task is kept, for
// where it stands afterwards says more.
void EventLoop::run_timed(Runnable& step) {
    const IntrusivePtr<detail::FutureStateBase> future(
        dynamic_cast<detail::FutureStateBase*>(&step));
    std::string what = future ? std::string() : step.repr();
    const TimePoint begin = Clock::now();
    step.run();
    const std::chrono::nanoseconds took = Clock::now() - begin;
    if (took < services_->slow_callback_duration) {
        return;
    }
    if (future) {
        what = future->repr();
    }
    const std::chrono::duration<double> seconds = took;
    call_exception_handler(
        {.message = fmt::format("Executing {} took {:.3f} seconds", what, seconds.count()),
         .exception = nullptr,
         .details = {}});
}

std::chrono::nanoseconds EventLoop::slow_callback_duration() const noexcept {
    return services_->slow_callback_duration;
}

void EventLoop::set_slow_callback_duration(Delay duration) noexcept {
    services_->slow_callback_duration = duration.value();
}

void EventLoop::set_step_observer(detail::StepObserver* observer) noexcept {
    services_->step_observer = observer;
    looks_around_ = true;
}

bool EventLoop::is_watched() const noexcept {
    return services_->step_observer != nullptr || services_->is_shuffled() || get_debug();
}

// A loop that never sleeps gives back, now and then, the memory of frames that nobody needs.
void EventLoop::look_around() noexcept {
    constexpr unsigned turns_between = 16;
    if (detail::frame_pool.has_surplus() && ++turns_with_surplus_ % turns_between == 0) {
        static_cast<void>(detail::frame_pool.tend());
    }
    watched_ = is_watched();
    looks_around_ = watched_ || detail::frame_pool.has_surplus();
}

void EventLoop::report_deadlock() const {
    std::string text = "deadlock: nothing can ever wake this event loop";
    const std::string tasks = detail::format_task_tree(*this, 2);
    text += tasks.empty() ? ", which has no task: who is to set the future that it runs for?\n"
                          : "; these tasks wait:\n" + tasks;
    if (!virtual_time_) {
        text +=
            "If another thread is to wake it, have that thread hold EventLoop::expect_wakeup().\n";
    }
    text.pop_back();
    throw DeadlockError(text);
}

void EventLoop::set_exception_handler(ExceptionHandler handler) {
    exception_handler_.set(std::move(handler));
}

const EventLoop::ExceptionHandler& EventLoop::get_exception_handler() const noexcept {
    return exception_handler_.get();
}

void EventLoop::call_exception_handler(const ExceptionContext& context) noexcept {
    if (!exception_handler_) {
        default_exception_handler(context);
        return;
    }
    try {
        exception_handler_(*this, context);
    } catch (...) {  // and the handler may have destroyed a loop that does not run
        const std::exception_ptr error = std::current_exception();
        if (detail::current_exception_kind() == detail::ExceptionKind::interrupt &&
            detail::running_loop == this) {
            escape(error);
            return;
        }
        const char* const message = "Unhandled error in exception handler";
        try {
            default_exception_handler({.message = message,
                                       .exception = error,
                                       .details = {{"context", context.message}}});
        } catch (...) {
            detail::print_plain_report(message, error);
        }
    }
}

void EventLoop::default_exception_handler(const ExceptionContext& context) noexcept {
    detail::print_exception_context(context);
}

}  // namespace ringio

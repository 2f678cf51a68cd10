#include <ringio/core/event_loop.hpp>

#include <ringio/core/loop_books.hpp>
#include <ringio/core/loop_signals.hpp>
#include <ringio/core/posted_call.hpp>
#include <ringio/core/report.hpp>

#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace ringio {
namespace {

bool debug_from_environment() {
    const char* value = std::getenv("RINGIO_DEBUG");
    return value != nullptr && *value != '\0' && std::strcmp(value, "0") != 0;
}

}  // namespace

void detail::throw_no_running_loop() { throw std::runtime_error("no running event loop"); }

EventLoop::EventLoop(const LoopOptions& options) : machine_(*this, options) {
    set_debug(options.debug.value_or(debug_from_environment()));
}

void EventLoop::run_forever() { machine_.run(); }

// The callback is moved before the checks: that is the user's code.
Handle EventLoop::call_soon(Callback callback) {
    return call_soon(std::move(callback).function(), callback.where());
}

TimerHandle EventLoop::call_later(Delay delay, Callback callback) {
    return call_later(delay, std::move(callback).function(), callback.where());
}

TimerHandle EventLoop::call_at(TimePoint when, Callback callback) {
    return call_at(when, std::move(callback).function(), callback.where());
}

Handle EventLoop::queue_call(detail::HandleState& call) {
    IntrusivePtr<detail::HandleState> state(&call);
    machine_.check_call();
    intrusive_add_ref(&call);  // the queue's
    machine_.schedule_here(call);
    return Handle(std::move(state));
}

RINGIO_FLATTEN TimerHandle EventLoop::arm_call(detail::TimerHandleState& call, Delay delay) {
    return arm_call(call, saturating_add(time(), delay));
}

TimerHandle EventLoop::arm_call(detail::TimerHandleState& call, TimePoint when) {
    IntrusivePtr<detail::TimerHandleState> state(&call);
    machine_.check_call();
    call.set_when(when);
    machine_.arm(call, when);
    intrusive_add_ref(&call);  // the heap's
    return TimerHandle(std::move(state));
}

void EventLoop::call_soon_threadsafe(Callback callback) {
    if (detail::running_loop == this) {
        call_soon(std::move(callback));  // from the loop itself: in order with its other calls
        return;
    }
    if (machine_.is_inherited()) {
        throw std::runtime_error(OwnProcess::refusal);
    }
    // Held, for the call may end the loop before this returns.
    const std::shared_ptr<detail::Mailbox> mailbox = machine_.mailbox();
    if (!mailbox->post(std::make_unique<detail::PostedCall>(std::move(callback)))) {
        detail::Machine::throw_closed();
    }
}

void EventLoop::add_signal_handler(int signal, Callback callback) {
    detail::LoopSignals::set_handler(*this, signal, std::move(callback));
}

bool EventLoop::remove_signal_handler(int signal) {
    detail::check_thread(this);
    return detail::LoopSignals::remove_handler(*this, signal);
}

std::shared_ptr<void> EventLoop::expect_wakeup() {
    return machine_.books().mailbox.expect_wakeup();
}

void EventLoop::set_task_factory(TaskFactory factory) {
    machine_.books().task_factory.set(std::move(factory));
}

const EventLoop::TaskFactory& EventLoop::get_task_factory() const noexcept {
    return machine_.books().task_factory.get();
}

std::chrono::nanoseconds EventLoop::slow_callback_duration() const noexcept {
    return machine_.books().slow_callback_duration;
}

void EventLoop::set_slow_callback_duration(Delay duration) noexcept {
    machine_.books().slow_callback_duration = duration.value();
}

void EventLoop::set_exception_handler(ExceptionHandler handler) {
    machine_.books().exception_handler.set(std::move(handler));
}

const EventLoop::ExceptionHandler& EventLoop::get_exception_handler() const noexcept {
    return machine_.books().exception_handler.get();
}

void EventLoop::call_exception_handler(const ExceptionContext& context) noexcept {
    const auto& handler = machine_.books().exception_handler;
    if (!handler) {
        default_exception_handler(context);
        return;
    }
    try {
        handler(*this, context);
    } catch (...) {  // and the handler may have destroyed a loop that does not run
        const std::exception_ptr error = std::current_exception();
        if (detail::current_exception_kind() == detail::ExceptionKind::interrupt &&
            detail::running_loop == this) {
            machine_.escape(error);
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

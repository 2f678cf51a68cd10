#include <ringio/core/handle.hpp>

#include <ringio/base/scope_exit.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/posted_call.hpp>
#include <ringio/core/report.hpp>
#include <ringio/core/repr.hpp>
#include <ringio/core/timers.hpp>

#include <stdexcept>

namespace ringio::detail {

void throw_null_callback() { throw std::invalid_argument("the callback is null; pass a callable"); }

std::string describe_call(const char* type, bool cancelled, const std::source_location& where) {
    return std::string("<") + type + (cancelled ? " cancelled " : " ") + function_name(where) +
           "() at " + file_and_line(where) + ">";
}

void report_callback(EventLoop& loop, bool cancelled, const std::source_location& where) noexcept {
    const std::exception_ptr exception = std::current_exception();
    if (current_exception_kind() == ExceptionKind::interrupt) {
        loop.machine().escape(exception);
        return;
    }
    report(&loop, "Exception in callback", exception, [&] {
        const std::string place = function_name(where) + "() at " + file_and_line(where);
        return ExceptionContext{.message = "Exception in callback " + place,
                                .exception = exception,
                                .details = {{"handle", describe_call("Handle", cancelled, where)}}};
    });
}

// While it runs, nobody can drop the callable.
void ScheduledCallback::call() {
    if (cancelled_) {
        return;
    }
    const EnterContext inside(context_);
    try {
        const CallableTable& table = *std::exchange(table_, nullptr);
        const ScopeExit destroy([&] {
            if (table.destroy != nullptr) {
                table.destroy(callable_);
            }
        });
        table.call(callable_);
    } catch (...) {
        report_callback(*loop_, cancelled_, where_);
    }
}

void ScheduledCallback::call_and_keep() {
    if (cancelled_) {
        return;
    }
    const EnterContext inside(context_);
    try {
        table_->call(callable_);
    } catch (...) {
        report_callback(*loop_, cancelled_, where_);
    }
}

Context ScheduledCallback::context() const {
    Context copy;
    copy.shared_state()->slot = context_;
    return copy;
}

void ScheduledCallback::cancel_now() noexcept {
    if (table_ != nullptr) {  // or else it is over, and perhaps the loop with it
        require_thread(loop_);
    }
    cancelled_ = true;
    drop();
}

void HandleState::run() {
    const IntrusivePtr<HandleState> queued(this, adopt);
    call();
}

void HandleState::discard() noexcept {
    drop();
    intrusive_release(this);
}

void HandleState::cancel() noexcept {
    const IntrusivePtr<HandleState> kept(this);
    cancel_now();
}

void HandleState::retire() noexcept {
    drop();
    destroy_call(this, size_);
}

void PostedCall::run() {
    const std::unique_ptr<PostedCall> queued(this);
    loop_ = running_loop;
    call();
}

void TimerHandleState::run() {
    const IntrusivePtr<TimerHandleState> queued(this, adopt);
    call();
}

void TimerHandleState::discard() noexcept {
    drop();
    intrusive_release(this);
}

void TimerHandleState::retire() noexcept {
    drop();
    destroy_call(this, size_);
}

// What the callback holds is destroyed last: that may close the loop, or drop the handle.
void TimerHandleState::cancel() noexcept {
    if (!is_in_heap()) {
        const IntrusivePtr<TimerHandleState> kept(this);
        cancel_now();
        return;
    }
    require_thread(loop_);
    loop_->machine().disarm(*this);
    const IntrusivePtr<TimerHandleState> kept(this, adopt);  // by the heap until now
    mark_cancelled();
    drop();
}

}  // namespace ringio::detail

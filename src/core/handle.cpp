#include <ringio/core/handle.hpp>

#include <ringio/core/event_loop.hpp>
#include <ringio/core/repr.hpp>
#include <ringio/core/timers.hpp>

namespace ringio {
namespace detail {
namespace {

// Runs a callback; what it throws goes to the exception handler.
void invoke(EventLoop& loop, UniqueFunction<void()>& callback, const std::source_location& where) {
    try {
        callback();
    } catch (...) {
        const std::exception_ptr exception = std::current_exception();
        if (current_exception_kind() == ExceptionKind::interrupt) {
            loop.escape(exception);
            return;
        }
        const std::string place = function_name(where) + "() at " + file_and_line(where);
        loop.call_exception_handler({.message = "Exception in callback " + place,
                                     .exception = exception,
                                     .details = {{"handle", "<Handle " + place + ">"}}});
    }
}

}  // namespace

void HandleState::run() {
    const IntrusivePtr<HandleState> queued(this, adopt);
    if (!cancelled_) {
        UniqueFunction<void()> callback = std::move(callback_);
        invoke(*loop_, callback, where_);
    }
}

void HandleState::discard() noexcept {
    callback_ = nullptr;  // it may hold this very handle
    intrusive_release(this);
}

void HandleState::retire() noexcept { delete this; }

void HandleState::cancel() noexcept {
    cancelled_ = true;
    callback_ = nullptr;
}

void TimerHandleState::run() {
    const IntrusivePtr<TimerHandleState> queued(this, adopt);
    if (!cancelled_) {
        UniqueFunction<void()> callback = std::move(callback_);
        invoke(*loop_, callback, where_);
    }
}

void TimerHandleState::discard() noexcept {
    callback_ = nullptr;  // it may hold this very handle
    intrusive_release(this);
}

void TimerHandleState::retire() noexcept { delete this; }

void TimerHandleState::cancel() noexcept {
    if (cancelled_) {
        return;
    }
    cancelled_ = true;
    callback_ = nullptr;
    if (is_in_heap()) {
        loop_->disarm(*this);
        intrusive_release(this);
    }
}

}  // namespace detail

}  // namespace ringio

#include <ringio/core/op.hpp>

#include <system_error>

namespace ringio::detail {

std::string describe_failure(int error, std::string what) {
    if ((error == EACCES || error == EPERM) && running_loop != nullptr &&
        running_loop->machine().ring().kernel().may_be_filtered()) {
        what +=
            " (unless it is about permissions, a filter refuses this operation to io_uring: allow "
            "it, or run with RINGIO_KERNEL=epoll)";
    }
    return what;
}

std::exception_ptr make_system_error(int error, const char* what) {
    return std::make_exception_ptr(
        std::system_error(error, std::system_category(), describe_failure(error, what)));
}

void throw_system_error(int error, const char* what) {
    throw std::system_error(error, std::system_category(), describe_failure(error, what));
}

void OpWait::start(std::coroutine_handle<> coroutine) {
    TaskStateBase& task = running_task();
    task_ = &task;
    ring_ = &running_loop->machine().ring();  // the task runs there
    task.suspend(coroutine, *this);
    if (phase_ == Phase::fresh) {
        phase_ = Phase::submitted;
        ring_->submit(*this);
    }
}

bool OpWait::cancel(const std::string&) noexcept {
    switch (phase_) {
        case Phase::fresh:  // a cancellation was due when the wait began
            phase_ = Phase::refused;
            task_->wake();
            return true;
        case Phase::submitted:
            cancel_sent_ = true;
            ring_->cancel(*this);
            return true;
        default:
            return false;
    }
}

void OpWait::complete(int result, std::uint32_t flags) noexcept {
    if (result == -EINTR && !cancel_sent_ && retries_on_eintr()) {
        ring_->submit(*this);
        return;
    }
    result_ = result;
    flags_ = flags;
    phase_ = Phase::completed;
    task_->wake();
}

bool OpWait::lost_to_cancellation() noexcept {
    if (phase_ == Phase::refused) {
        // Another request that came meanwhile is answered by the same CancelledError.
        static_cast<void>(task_->take_cancellation());
        return true;
    }
    // Kernel: a request that was cancelled while it ran may end with EINTR instead of ECANCELED.
    if (cancel_sent_ && (result_ == -ECANCELED || result_ == -EINTR)) {
        static_cast<void>(task_->take_cancellation());
        phase_ = Phase::taken;
        return true;
    }
    if (cancel_sent_ || task_->has_cancellation()) {
        task_->defer_cancellation();
    }
    return false;
}

}  // namespace ringio::detail

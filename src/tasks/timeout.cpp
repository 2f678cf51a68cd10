#include <ringio/tasks/timeout.hpp>

#include <ringio/core/repr.hpp>

#include <fmt/format.h>

#include <cmath>

namespace ringio {

const char* Timeout::state_name() const noexcept {
    static constexpr const char* names[] = {"created", "active", "expiring", "expired", "finished"};
    return names[static_cast<unsigned>(state_)];
}

void Timeout::enter() {
    if (state_ != State::created) {
        throw std::runtime_error("Timeout has already been entered");
    }
    detail::TaskStateBase* task = get_running_loop().current_task();
    if (task == nullptr) {
        throw std::runtime_error("Timeout should be used inside a task");
    }
    task_ = AnyTask(IntrusivePtr<detail::FutureStateBase>(task));
    cancelling_at_entry_ = task->cancelling();
    foreign_cancellation_ = task->has_undelivered_cancellation();
    state_ = State::active;
    reschedule(when_);
}

void Timeout::reschedule(std::optional<TimePoint> when) {
    if (state_ == State::created) {
        throw std::runtime_error("Timeout has not been entered");
    }
    if (state_ != State::active) {
        throw std::runtime_error(fmt::format("Cannot change state of {} Timeout", state_name()));
    }
    when_ = when;
    due_.cancel();
    timer_.cancel();
    if (!when) {
        return;
    }
    EventLoop& loop = get_running_loop();
    if (*when <= loop.time()) {
        due_ = loop.call_soon([this] { on_timeout(); });
    } else {
        timer_ = loop.call_at(*when, [this] { on_timeout(); });
    }
}

void Timeout::on_timeout() {
    state_ = State::expiring;
    auto& task = static_cast<detail::TaskStateBase&>(*task_.shared_state());
    // Delivered before the deadline, and the body went on: the next one is ours.
    foreign_cancellation_ = foreign_cancellation_ && task.has_undelivered_cancellation();
    task.cancel("");
}

void Timeout::leave(const std::exception_ptr& error) {
    due_.cancel();
    timer_.cancel();
    if (state_ != State::expiring) {
        state_ = State::finished;
        return;
    }
    state_ = State::expired;
    const bool only_ours = task_.uncancel() <= cancelling_at_entry_ && !foreign_cancellation_;
    if (only_ours) {
        static_cast<detail::TaskStateBase&>(*task_.shared_state())
            .forget_undelivered_cancellation();
    }
    if (only_ours && error && detail::exception_kind(error) == detail::ExceptionKind::cancelled) {
        throw TimeoutError();
    }
}

std::string Timeout::repr() const {
    std::string text = fmt::format("<Timeout [{}]", state_name());
    if (state_ == State::active && !when_) {
        text += " when=None";
    } else if (state_ == State::active) {
        const std::chrono::duration<double> seconds = when_->time_since_epoch();
        text += " when=" + detail::repr_number(std::round(seconds.count() * 1e3) / 1e3);
    }
    return text + ">";
}

}  // namespace ringio

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
    detail::TaskStateBase* task = get_running_loop().machine().current_task();
    if (task == nullptr) {
        throw std::runtime_error("Timeout should be used inside a task");
    }
    cancellation_.enter(*task);
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
    const detail::CancelOrigin origin(CancelCause::deadline, where_);
    cancellation_.request();
}

void Timeout::leave(const std::exception_ptr& error) {
    due_.cancel();
    timer_.cancel();
    if (state_ != State::expiring) {
        state_ = State::finished;
        return;
    }
    state_ = State::expired;
    const bool only_ours = cancellation_.take_back();
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

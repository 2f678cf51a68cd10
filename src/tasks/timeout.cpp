#include <ringio/tasks/timeout.hpp>

#include <ringio/core/repr.hpp>

#include <fmt/format.h>
#include <cmath>

namespace ringio {
namespace {

const char* name_of(bool expired) { return expired ? "expired" : "finished"; }

}  // namespace

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
    state_ = State::active;
    reschedule(when_);
}

void Timeout::reschedule(std::optional<TimePoint> when) {
    if (state_ == State::created) {
        throw std::runtime_error("Timeout has not been entered");
    }
    if (state_ != State::active) {
        throw std::runtime_error(
            fmt::format("Cannot change state of {} Timeout",
                        state_ == State::expiring ? "expiring" : name_of(expired())));
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
    task_.cancel();
}

void Timeout::leave(const std::exception_ptr& error) {
    due_.cancel();
    timer_.cancel();
    if (state_ != State::expiring) {
        state_ = State::finished;
        return;
    }
    state_ = State::expired;
    const bool only_ours = task_.uncancel() <= cancelling_at_entry_;
    if (only_ours && error && detail::exception_kind(error) == detail::ExceptionKind::cancelled) {
        throw TimeoutError();
    }
}

std::string Timeout::repr() const {
    static constexpr const char* names[] = {"created", "active", "expiring", "expired", "finished"};
    std::string text = fmt::format("<Timeout [{}]", names[static_cast<unsigned>(state_)]);
    if (state_ == State::active) {
        text += when_
                    ? " when=" +
                          detail::repr_number(
                              std::round(
                                  std::chrono::duration<double>(when_->time_since_epoch()).count() *
                                  1e3) /
                              1e3)
                    : " when=None";
    }
    return text + ">";
}

}  // namespace ringio

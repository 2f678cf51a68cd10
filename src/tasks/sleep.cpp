#include <ringio/tasks/sleep.hpp>

namespace ringio::detail {

void SleepWait::disarm() noexcept {
    if (is_in_heap()) {
        task_->loop().disarm(*this);
    }
}

void SleepWait::arm(std::coroutine_handle<> coroutine) {
    EventLoop& loop = task_->loop();
    loop.arm(*this, saturating_add(loop.time(), delay_));
    phase_ = Phase::armed;
    task_->suspend(coroutine, *this);
}

void SleepWait::run() {
    if (phase_ == Phase::armed) {
        phase_ = Phase::woken;
        task_->wake();
    }
}

bool SleepWait::cancel(const std::string&) noexcept {
    if (phase_ != Phase::armed) {
        return false;
    }
    disarm();
    phase_ = Phase::cancelled;
    task_->wake();
    return true;
}

std::string SleepWait::repr() const { return "<Future pending cb=[Task.task_wakeup()]>"; }

}  // namespace ringio::detail

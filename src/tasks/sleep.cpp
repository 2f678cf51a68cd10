#include <ringio/tasks/sleep.hpp>

namespace ringio::detail {

SleepWait::~SleepWait() {
    if (phase_ == Phase::armed && is_in_heap()) {
        task_->loop().disarm(*this);
    }
}

void SleepWait::await_suspend(std::coroutine_handle<> coroutine) {
    TaskStateBase& task = running_task();
    task_ = &task;
    if (!delay_.is_positive()) {
        phase_ = Phase::yielding;
        task.suspend(coroutine, *this);
        task.wake();
        return;
    }
    EventLoop& loop = task.loop();
    loop.arm(*this, saturating_add(loop.time(), delay_));
    phase_ = Phase::armed;
    task.suspend(coroutine, *this);
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
    if (is_in_heap()) {
        task_->loop().disarm(*this);
    }
    phase_ = Phase::cancelled;
    task_->wake();
    return true;
}

void SleepWait::finish() {
    const bool cancelled = phase_ == Phase::cancelled;
    phase_ = Phase::woken;
    if (task_->take_cancellation() || cancelled) {
        task_->throw_cancelled();
    }
}

std::string SleepWait::repr() const { return "<Future pending cb=[Task.task_wakeup()]>"; }

}  // namespace ringio::detail

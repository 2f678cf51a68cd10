#include <ringio/tasks/sleep.hpp>

#include <memory>

namespace ringio::detail {

std::string NextTurn::repr() const { return "<Future pending cb=[Task.task_wakeup()]>"; }

void SleepWait::arm(TaskStateBase& task, std::coroutine_handle<> coroutine) {
    EventLoop& loop = task.loop();
    SleepTimer& timer = *std::construct_at(&timer_, task);
    loop.machine().arm(timer, saturating_add(loop.time(), delay_));
    task.suspend(coroutine, timer);
}

void SleepTimer::disarm() noexcept { task_.loop().machine().disarm(*this); }

void SleepTimer::run() {
    if (phase_ == Phase::armed) {
        phase_ = Phase::woken;
        task_.wake();
    }
}

bool SleepTimer::cancel(const std::string&) noexcept {
    if (phase_ != Phase::armed) {
        return false;
    }
    if (is_in_heap()) {
        disarm();
    }
    phase_ = Phase::cancelled;
    task_.wake();
    return true;
}

}  // namespace ringio::detail

#include <ringio/sync/wait_queue.hpp>

#include <iterator>
#include <stdexcept>

namespace ringio::detail {

void LoopBinding::bind_first(EventLoop& loop) {
    if (anchor_) {
        throw std::runtime_error(std::string(name_) + " is bound to a different event loop");
    }
    anchor_ = IntrusivePtr<LoopAnchor>(loop.machine().anchor());
}

void QueuedWait::remove() noexcept { home->remove(*this); }

void QueuedWait::await_suspend(std::coroutine_handle<> coroutine) { suspend<false>(coroutine); }

void QueuedWait::check_to_suspend() const {
    static_cast<void>(running_task());
    home->binding_.bind(*running_loop);
}

bool QueuedWait::cancel(const std::string&) noexcept {
    if (phase != Phase::waiting) {
        return false;
    }
    if (home != nullptr) {
        home->cancel(*this);
    }
    phase = Phase::cancelled;
    task->wake();
    return true;
}

const char* QueuedWait::what() const noexcept {
    return home != nullptr ? home->what_ : "a primitive that was destroyed";
}

std::string QueuedWait::repr() const { return "<Future pending cb=[Task.task_wakeup()]>"; }

void QueuedWait::rejoin() noexcept {
    home->remove_woken(*this);
    home->join(*this);
}

WaitEnd QueuedWait::leave_otherwise() noexcept {
    cancelled_late_ = task->take_cancellation();
    if (home == nullptr) {
        return WaitEnd::orphaned;
    }
    home->remove(*this);
    if (phase == Phase::cancelled) {
        return WaitEnd::cancelled;
    }
    return cancelled_late_ ? WaitEnd::passed_over : WaitEnd::woken;
}

void QueuedWait::throw_ended() const {
    if (phase == Phase::cancelled || cancelled_late_) {
        task->throw_cancelled();
    }
    throw std::runtime_error("what this task waited for was destroyed before the task could run");
}

WaitQueue::~WaitQueue() {
    while (QueuedPlace* wait = waits_.pop_front()) {
        wait->home = nullptr;
    }
}

void WaitQueue::wake(QueuedPlace& wait) noexcept {
    advance_past(wait);
    wait.phase = QueuedPlace::Phase::woken;
    ++woken_;
    wait.task->wake();
}

void WaitQueue::wake_first() noexcept {
    if (next_ != nullptr && next_ == waits_.front()) {
        wake_next();
    }
}

std::size_t WaitQueue::size() const noexcept {
    return static_cast<std::size_t>(std::distance(waits_.begin(), waits_.end()));
}

std::string WaitQueue::repr_suffix() const {
    const std::size_t waiting = size();
    return waiting == 0 ? std::string() : ", waiters:" + std::to_string(waiting);
}

void WaitQueue::remove(QueuedPlace& wait) noexcept {
    if (&wait == next_) {
        advance_past(wait);
    }
    wait.unlink();
    if (wait.phase == QueuedPlace::Phase::woken) {
        --woken_;
    }
}

void WaitQueue::cancel(QueuedPlace& wait) noexcept {
    if (&wait == next_) {
        advance_past(wait);
    }
}

void WaitQueue::advance_past(QueuedPlace& wait) noexcept {
    IntrusiveList<QueuedPlace>::iterator at(&wait);
    do {
        ++at;
    } while (at != waits_.end() && at->phase != QueuedPlace::Phase::waiting);
    next_ = at == waits_.end() ? nullptr : &*at;
}

}  // namespace ringio::detail

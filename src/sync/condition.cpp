#include <ringio/sync/condition.hpp>

#include <coroutine>
#include <stdexcept>

namespace ringio {
namespace detail {

// Lets the lock go, waits, and tells how that ended instead of throwing.
class ConditionWait final : public QueuedWait {
public:
    explicit ConditionWait(Condition& condition) noexcept
        : QueuedWait(condition.waiters_), condition_(condition) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) {
        condition_.binding_.bind(running_task().loop());
        condition_.lock_->release();
        QueuedWait::await_suspend(coroutine);
    }
    WaitEnd await_resume() noexcept { return leave(); }

private:
    Condition& condition_;
};

}  // namespace detail

Task<bool> Condition::wait() {
    if (!locked()) {
        throw std::runtime_error("cannot wait on un-acquired lock");
    }
    const detail::WaitOn<detail::ConditionWait, Condition> notified(*this);
    detail::WaitEnd end = co_await notified;
    bool cancelled = end != detail::WaitEnd::woken;
    while (end != detail::WaitEnd::orphaned) {
        const detail::WaitOn<detail::LockAcquireQuietly, Lock> reacquired(*lock_);
        end = co_await reacquired;
        if (end == detail::WaitEnd::woken) {
            break;
        }
        cancelled = true;
    }
    if (cancelled) {
        if (end != detail::WaitEnd::orphaned) {
            notify(1);
        }
        detail::running_task().throw_cancelled();
    }
    co_return true;
}

void Condition::notify(std::size_t count) {
    if (!locked()) {
        throw std::runtime_error("cannot notify on un-acquired lock");
    }
    while (count > 0 && waiters_.wake_next()) {
        --count;
    }
}

std::string Condition::repr() const {
    return std::string("<Condition [") + (locked() ? "locked" : "unlocked") +
           waiters_.repr_suffix() + "]>";
}

}  // namespace ringio

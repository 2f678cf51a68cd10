#include <ringio/core/cancellation.hpp>

namespace ringio::detail {

void ScopeCancellation::enter(TaskStateBase& task) {
    task_ = IntrusivePtr<TaskStateBase>(&task);
    cancelling_at_entry_ = task.cancelling();
    foreign_ = task.has_undelivered_cancellation();
}

void ScopeCancellation::request() {
    requested_ = true;
    // Delivered by now, and the body went on: the next one is ours.
    foreign_ = foreign_ && task_->has_undelivered_cancellation();
    task_->cancel({});
}

bool ScopeCancellation::take_back() noexcept {
    requested_ = false;
    if (task_->uncancel() > cancelling_at_entry_ || foreign_) {
        return false;
    }
    task_->forget_undelivered_cancellation();
    return true;
}

}  // namespace ringio::detail

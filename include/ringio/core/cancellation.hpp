// The cancellation of a scope: timeout() and task_group() cancel the very task that runs their
// body, and must tell their own request from those of others when the body ends.
#pragma once

#include <ringio/core/task_state.hpp>

namespace ringio::detail {

/// One scope's request to cancel its task, from when it is made until it is taken back.
///
/// A request that was made before the scope began counts as one of others, even if the task hears
/// of it only within the scope.
class ScopeCancellation {
public:
    /// Begins: notes what `task` was asked until now. Keeps the task.
    void enter(TaskStateBase& task);

    /// Asks the task to end, on behalf of the scope.
    void request();
    bool requested() const noexcept { return requested_; }

    /// Takes the request back. True when there is no other one, so that a CancelledError which
    /// comes out of the scope is its own doing; the task does not hear of it any more then.
    bool take_back() noexcept;

    /// The task of the scope, which has begun.
    TaskStateBase& task() const noexcept { return *task_; }

private:
    IntrusivePtr<TaskStateBase> task_;
    unsigned cancelling_at_entry_ = 0;
    bool foreign_ = false;  // a request from before the scope is still to be delivered
    bool requested_ = false;
};

}  // namespace ringio::detail

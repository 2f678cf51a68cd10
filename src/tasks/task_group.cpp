#include <ringio/tasks/task_group.hpp>

#include <fmt/format.h>

namespace ringio {

void TaskGroup::enter() {
    if (entered_) {
        throw std::runtime_error("TaskGroup " + repr() + " has already been entered");
    }
    loop_ = &get_running_loop();
    detail::TaskStateBase* parent = loop_->current_task();
    if (parent == nullptr) {
        throw std::runtime_error("TaskGroup " + repr() + " cannot determine the parent task");
    }
    parent_ = AnyTask(IntrusivePtr<detail::FutureStateBase>(parent));
    entered_ = true;
}

void TaskGroup::check_open() const {
    if (!entered_) {
        throw std::runtime_error("TaskGroup " + repr() + " has not been entered");
    }
    if (exiting_ && tasks_.empty()) {
        throw std::runtime_error("TaskGroup " + repr() + " is finished");
    }
    if (aborting_) {
        throw std::runtime_error("TaskGroup " + repr() + " is shutting down");
    }
}

void TaskGroup::add(const AnyTask& task) {
    const auto position = tasks_.insert(tasks_.end(), task);
    task.shared_state()->add_done_callback(
        [this, position](detail::FutureStateBase&) { on_task_done(position); },
        std::source_location::current());
}

void TaskGroup::on_task_done(std::list<AnyTask>::iterator position) {
    const AnyTask task = std::move(*position);
    tasks_.erase(position);
    if (all_done_ && tasks_.empty() && !all_done_->done()) {
        all_done_->set_result();
    }
    if (task.cancelled()) {
        return;
    }
    std::exception_ptr error = task.exception();
    if (!error) {
        return;
    }
    errors_.push_back(std::move(error));
    if (!aborting_ && !parent_cancel_requested_) {
        // The body may still be at work: it is cancelled too, and leave() takes that back.
        abort();
        parent_cancel_requested_ = true;
        parent_.cancel();
    }
}

void TaskGroup::abort() {
    aborting_ = true;
    for (AnyTask& task : tasks_) {
        task.cancel();
    }
}

Task<> TaskGroup::leave(std::exception_ptr error) {
    exiting_ = true;
    std::exception_ptr cancellation;
    if (error && detail::exception_kind(error) == detail::ExceptionKind::cancelled) {
        cancellation = error;
    }
    if (error && !aborting_) {
        abort();
    }
    // A loop, for the parent may be cancelled again and again while the tasks end.
    while (!tasks_.empty()) {
        all_done_ = loop_->create_future<void>();
        Future<> done = all_done_->get_future();
        try {
            co_await done;
        } catch (const CancelledError&) {
            if (!aborting_) {
                cancellation = std::current_exception();
                abort();
            }
        }
        all_done_.reset();
    }
    if (error && detail::exception_kind(error) == detail::ExceptionKind::interrupt) {
        std::rethrow_exception(error);
    }
    throw_errors(std::move(error), std::move(cancellation));
}

void TaskGroup::throw_errors(std::exception_ptr error, std::exception_ptr cancellation) {
    if (parent_cancel_requested_ && parent_.uncancel() == 0) {
        cancellation = nullptr;  // it was our own, and no other is outstanding
    }
    if (cancellation && errors_.empty()) {
        std::rethrow_exception(cancellation);
    }
    if (error && detail::exception_kind(error) != detail::ExceptionKind::cancelled) {
        errors_.push_back(std::move(error));
    }
    if (errors_.empty()) {
        return;
    }
    // An outside cancellation strikes at the next wait; the count stays the same.
    if (parent_.cancelling() > 0) {
        parent_.uncancel();
        parent_.cancel();
    }
    throw ExceptionGroup("unhandled errors in a TaskGroup", std::exchange(errors_, {}));
}

std::string TaskGroup::repr() const {
    std::string text = "<TaskGroup";
    if (!tasks_.empty()) {
        text += fmt::format(" tasks={}", tasks_.size());
    }
    if (!errors_.empty()) {
        text += fmt::format(" errors={}", errors_.size());
    }
    if (aborting_) {
        text += " cancelling";
    } else if (entered_) {
        text += " entered";
    }
    return text + ">";
}

}  // namespace ringio

#include <ringio/tasks/task_group.hpp>

#include <ringio/core/report.hpp>
#include <ringio/tasks/wait_for.hpp>
#include "lone_wait.hpp"

#include <fmt/format.h>

namespace ringio {

namespace detail {

void throw_started_twice() {
    throw std::runtime_error("called 'started' twice on the same TaskStatus");
}

void throw_group_cancelled() {
    throw std::runtime_error("TaskGroup was cancelled before its body gave a result");
}

namespace {

// Why start() has nothing to give. Without memory for the text, that is the reason.
std::exception_ptr never_started(bool cancelled) noexcept {
    try {
        return std::make_exception_ptr(
            std::runtime_error(cancelled ? "the task was cancelled before it called started()"
                                         : "the task ended without calling started()"));
    } catch (const std::bad_alloc&) {
        return std::current_exception();
    }
}

}  // namespace

}  // namespace detail

// Only a loop that is closed destroys the group before its tasks, which then must not tell it.
TaskGroup::~TaskGroup() {
    for (Member& member : tasks_) {
        member.task.remove_done_callback(member.callback);
    }
}

void TaskGroup::enter() {
    if (entered_) {
        throw std::runtime_error("TaskGroup " + repr() + " has already been entered");
    }
    loop_ = &get_running_loop();
    detail::TaskStateBase* parent = loop_->machine().current_task();
    if (parent == nullptr) {
        throw std::runtime_error("TaskGroup " + repr() + " cannot determine the parent task");
    }
    parent_.enter(*parent);
    entered_ = true;
    if (aborting_) {  // cancel() came first
        parent_.request();
    }
}

bool TaskGroup::is_open() const noexcept {
    return entered_ && !aborting_ && !(exiting_ && tasks_.empty());
}

void TaskGroup::throw_not_open() const {
    const char* const state = !entered_                    ? " has not been entered"
                              : exiting_ && tasks_.empty() ? " is finished"
                                                           : " is shutting down";
    throw std::runtime_error("TaskGroup " + repr() + state);
}

void TaskGroup::add(const AnyTask& task, const IntrusivePtr<detail::FutureStateBase>& started) {
    static_cast<detail::TaskStateBase&>(*task.shared_state()).mark_scoped();
    auto position = tasks_.end();
    try {
        position = tasks_.insert(tasks_.end(), {.task = task});
        if (!task.done()) {
            position->callback = task.shared_state()->add_done_callback(
                [this, position, kept = started](detail::FutureStateBase&) {
                    on_task_done(position, kept.get());
                },
                std::source_location::current(), &parent_.task());
        }
    } catch (...) {
        // No memory: a task that the group does not know of must not run.
        if (position != tasks_.end()) {
            tasks_.erase(position);
        }
        task.shared_state()->cancel({});
        throw;
    }
    if (task.done()) {  // an eager task, in its first step
        on_task_done(position, started.get());
    } else if (aborting_) {  // one that cancelled the group there
        const detail::CancelOrigin origin(parent_.task().cancellation());
        position->task.cancel();
    }
}

void TaskGroup::on_task_done(std::list<Member>::iterator position,
                             detail::FutureStateBase* started) {
    if (waiting_ != nullptr && tasks_.size() == 1) {
        waiting_->end();
    }
    const bool was_cancelled = position->task.cancelled();
    const std::exception_ptr error = was_cancelled ? nullptr : position->task.exception();
    if (started != nullptr && !started->done()) {
        tasks_.erase(position);
        started->set_exception(error ? error : detail::never_started(was_cancelled));
    } else if (error) {
        on_task_failed(position, error);
    } else {
        tasks_.erase(position);
    }
}

void TaskGroup::on_task_failed(std::list<Member>::iterator position,
                               const std::exception_ptr& error) {
    const detail::FutureStateBase& failed = *position->task.shared_state();  // its callback runs
    if (!interrupt_ && detail::exception_kind(error) == detail::ExceptionKind::interrupt) {
        interrupt_ = error;
        tasks_.erase(position);
    } else {
        failed_.splice(failed_.end(), tasks_, position);  // needs no memory
    }
    if (!aborting_ && !parent_.requested()) {
        // The body may still be at work: it is cancelled too, and leave() takes that back.
        const detail::CancelOrigin origin(CancelCause::task_group, &failed);
        abort();
        parent_.request();
    }
}

void TaskGroup::abort() {
    aborting_ = true;
    for (Member& member : tasks_) {
        member.task.cancel();
    }
}

void TaskGroup::cancel(const std::source_location& where) {
    if (exiting_ && tasks_.empty()) {
        return;
    }
    const detail::CancelOrigin origin(CancelCause::call, where);
    if (!aborting_) {
        abort();
    }
    if (entered_ && !exiting_ && !parent_.requested()) {
        parent_.request();
    }
}

Task<> TaskGroup::end_start(AnyTask task) {
    do {
        try {
            co_await detail::cancel_and_wait(task);
        } catch (const CancelledError&) {
            // Cancelled once more: it still waits, for the task must not outlive start().
        }
    } while (!task.done());
}

Task<> TaskGroup::leave(const std::exception_ptr& error) {
    exiting_ = true;
    std::exception_ptr cancellation;
    if (error && detail::exception_kind(error) == detail::ExceptionKind::cancelled) {
        cancellation = error;
    }
    // The first request from outside is what the group ends with. One of the body that may be the
    // group's own is none.
    bool told = cancellation && !parent_.requested();
    if (error && !aborting_) {
        const detail::CancelOrigin origin =
            cancellation ? detail::CancelOrigin(parent_.task().cancellation())
                         : detail::CancelOrigin(CancelCause::task_group, nullptr);
        abort();
    }
    // A loop, for the parent may be cancelled again and again while the tasks end.
    while (!tasks_.empty()) {
        const bool cancelled = co_await detail::WaitAlone{waiting_, "the tasks of a TaskGroup"};
        if (cancelled && !std::exchange(told, true)) {
            cancellation = parent_.task().make_cancelled();
        }
        if (cancelled && !aborting_) {
            const detail::CancelOrigin origin(parent_.task().cancellation());
            abort();
        }
    }
    if (error && detail::exception_kind(error) == detail::ExceptionKind::interrupt) {
        interrupt_ = error;
    }
    // The group's own request must not outlast the group, nor hide another one.
    if (parent_.requested() && parent_.take_back()) {
        cancellation = nullptr;
    }
    if (interrupt_) {
        throw_interrupt();
    }
    throw_errors(error, cancellation);
}

// A KeyboardInterrupt comes out alone; what else went wrong is at least told.
void TaskGroup::throw_interrupt() {
    const char* const message = "an error in a TaskGroup was superseded by a KeyboardInterrupt";
    for (const Member& failed : failed_) {
        const std::exception_ptr error = failed.task.exception();
        detail::report(loop_, message, error, [&] {
            return ExceptionContext{
                .message = message, .exception = error, .details = {{"task_group", repr()}}};
        });
    }
    std::rethrow_exception(interrupt_);
}

void TaskGroup::throw_errors(const std::exception_ptr& error,
                             const std::exception_ptr& cancellation) {
    const bool body_failed =
        error && detail::exception_kind(error) != detail::ExceptionKind::cancelled;
    if (failed_.empty() && !body_failed) {
        if (cancellation) {
            std::rethrow_exception(cancellation);
        }
        return;
    }
    // An outside cancellation strikes at the next wait; the count stays the same.
    detail::TaskStateBase& parent = parent_.task();
    if (parent.cancelling() > 0) {
        const detail::CancelOrigin origin(parent.cancellation());
        parent.uncancel();
        parent.cancel({});
    }
    std::vector<std::exception_ptr> errors;
    for (const Member& failed : failed_) {
        errors.push_back(failed.task.exception());
    }
    if (body_failed) {
        errors.push_back(error);
    }
    failed_.clear();
    throw ExceptionGroup("unhandled errors in a TaskGroup", std::move(errors));
}

std::string TaskGroup::repr() const {
    std::string text = "<TaskGroup";
    if (!tasks_.empty()) {
        text += fmt::format(" tasks={}", tasks_.size());
    }
    if (!failed_.empty()) {
        text += fmt::format(" errors={}", failed_.size());
    }
    if (aborting_) {
        text += " cancelling";
    } else if (entered_) {
        text += " entered";
    }
    return text + ">";
}

}  // namespace ringio

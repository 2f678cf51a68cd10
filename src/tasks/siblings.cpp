#include <ringio/tasks/siblings.hpp>

#include <ringio/core/report.hpp>

#include <stdexcept>

namespace ringio::detail {

void Sibling::notify(FutureStateBase&) noexcept { family_->child_done(*this); }

std::string Sibling::describe() const { return family_->what(); }

const FutureStateBase* Sibling::awaiter() const noexcept { return family_->task(); }

void Siblings::begin() { task_ = &running_task(); }

void Siblings::add(Sibling& child, IntrusivePtr<FutureStateBase> future) {
    if (!future) {
        throw std::invalid_argument(std::string(what()) + ": a handle refers to no future");
    }
    if (future.get() == task_) {
        throw std::runtime_error("Task cannot await on itself: " + task_->repr());
    }
    if (future->loop_or_null() != running_loop) {
        throw std::invalid_argument(std::string(what()) +
                                    ": a future belongs to a different loop: " + future->repr());
    }
    child.family_ = this;
    child.future_ = std::move(future);
    if (child.future_->done()) {
        count_in(child);
        return;
    }
    ++running_;
    child.future_->add_done_node(child);
    if (!is_open()) {  // its eager first step ended what another child waited for
        child.future_->cancel({});
    }
}

bool Siblings::wait(std::coroutine_handle<> coroutine) noexcept {
    if (children_.empty() && rule_ == Rule::any && !given_up_) {
        given_up_ = std::make_exception_ptr(
            std::invalid_argument("when_any() of an empty range would never end"));
    }
    if (running_ == 0) {
        return false;
    }
    waiting_ = true;
    suspended_ = true;
    task_->suspend(coroutine, *this);
    return true;
}

// Within the step that ended the child: the others hear of it before their next one.
void Siblings::child_done(Sibling& child) noexcept {
    --running_;
    count_in(child);
    if (running_ == 0 && std::exchange(waiting_, false)) {
        task_->wake();
    }
}

void Siblings::count_in(Sibling& child) noexcept {
    FutureStateBase& future = *child.future_;
    future.mark_retrieved();
    if (future.has_value()) {
        ++values_;
        if (rule_ == Rule::any && decisive_ == nullptr) {
            decisive_ = &child;
            end_others(&child);
        }
    } else if (!future.cancelled()) {
        const bool goes_first =
            decisive_ == nullptr || exception_kind(future.failure()) == ExceptionKind::interrupt;
        if (goes_first) {
            decisive_ = &child;
        }
        end_others(&child);
    } else if (!ending_) {
        cancelled_ = &child;
        end_others(&child);
    }
}

void Siblings::end_others(const Sibling* decisive) noexcept {
    if (std::exchange(ending_, true)) {
        return;
    }
    const CancelOrigin origin(rule_ == Rule::all ? CancelCause::when_all : CancelCause::when_any,
                              decisive != nullptr ? decisive->future_.get() : nullptr);
    cancel_running({});
}

// A cancel may end a child at once, which is counted before it returns.
void Siblings::cancel_running(const std::string& message) noexcept {
    for (Sibling& child : children_) {
        if (child.future_ && !child.future_->done()) {
            child.future_->cancel(message);
        }
    }
}

void Siblings::give_up(std::exception_ptr why) noexcept {
    given_up_ = std::move(why);
    end_others(nullptr);
}

// The children are asked one after the other, by the walk that came to this task.
FutureStateBase* Siblings::passes_on_to() noexcept {
    if (running_ == 0) {
        return nullptr;
    }
    asked_ = true;
    ending_ = true;
    asked_of_ = 0;
    reply_ = CancelWalk::Reply::accepted;  // unless one of them waits for this task
    return next_running();
}

FutureStateBase* Siblings::passes_on_next(CancelWalk::Reply& reply) noexcept {
    if (reply == CancelWalk::Reply::circle) {
        reply_ = reply;
    }
    FutureStateBase* const next = next_running();
    if (next == nullptr) {
        reply = reply_;
    }
    return next;
}

FutureStateBase* Siblings::next_running() noexcept {
    while (asked_of_ < children_.size()) {
        const Sibling& child = children_[asked_of_++];
        if (child.future_ && !child.future_->done()) {
            return child.future_.get();
        }
    }
    return nullptr;
}

bool Siblings::cancel(const std::string& message) noexcept {
    if (running_ == 0) {
        return false;
    }
    asked_ = true;
    ending_ = true;
    cancel_running(message);
    return true;
}

// One of them waits for this very task: it cannot be waited for.
void Siblings::abandon() noexcept {
    for (Sibling& child : children_) {
        child.leave();
    }
    running_ = 0;
    if (std::exchange(waiting_, false)) {
        task_->wake();
    }
}

bool Siblings::has_result() const noexcept {
    return rule_ == Rule::all ? values_ == children_.size()
                              : decisive_ != nullptr && has_value(*decisive_);
}

bool Siblings::was_cancelled() const noexcept {
    return suspended_ && (asked_ || task_->has_cancellation());
}

std::exception_ptr Siblings::failure() noexcept {
    std::exception_ptr thrown = given_up_;
    if (!thrown && decisive_ != nullptr) {
        thrown = decisive_->future_->failure();  // null for a winner
    }
    report_superseded(thrown);
    if (thrown || has_result()) {
        if (was_cancelled()) {
            task_->defer_cancellation();  // what there is goes first
        }
        return thrown;
    }
    if (was_cancelled()) {
        static_cast<void>(task_->take_cancellation());
        return task_->make_cancelled();
    }
    return cancelled_->future_->failure();
}

std::exception_ptr Siblings::failure_as_outcome() {
    std::exception_ptr thrown = failure();
    if (exception_kind(thrown) != ExceptionKind::ordinary && task_->cancelling() > 0) {
        std::rethrow_exception(thrown);
    }
    return thrown;
}

void Siblings::report_superseded(const std::exception_ptr& thrown) const noexcept {
    if (values_ == children_.size()) {
        return;
    }
    const auto is_superseded = [&thrown](const Sibling& child) {
        return child.future_ && child.future_->done() && !child.future_->cancelled() &&
               !child.future_->has_value() && child.future_->failure() != thrown;
    };
    for (const Sibling& first : children_) {
        if (!is_superseded(first)) {
            continue;
        }
        const std::exception_ptr error = first.future_->failure();
        const char* const message = rule_ == Rule::all
                                        ? "when_all(): errors besides the one that it throws"
                                        : "when_any(): errors besides what it ends with";
        report(task_->loop_or_null(), message, error, [&] {
            ExceptionContext context{.message = message, .exception = error, .details = {}};
            for (const Sibling& child : children_) {
                if (is_superseded(child)) {
                    context.details.emplace_back("task", child.future_->repr());
                }
            }
            return context;
        });
        return;
    }
}

}  // namespace ringio::detail

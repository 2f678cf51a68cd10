#include <ringio/core/future.hpp>

#include <unordered_set>

namespace ringio {

void AnyFuture::throw_invalid() {
    throw std::invalid_argument(
        "this handle refers to no future: it was default-constructed or moved from");
}

bool AnyFuture::request_cancel(const std::string& message, const std::source_location& where) {
    const IntrusivePtr<detail::FutureStateBase> kept = checked();  // this handle may go
    kept->check_thread();
    const detail::CancelOrigin origin(CancelCause::call, where);
    return kept->cancel(message);
}

namespace detail {

std::vector<bool> find_repeated(const std::vector<AnyFuture>& futures) {
    std::unordered_set<const FutureStateBase*> seen;
    std::vector<bool> repeated;
    repeated.reserve(futures.size());
    for (const AnyFuture& future : futures) {
        repeated.push_back(!seen.insert(future.shared_state().get()).second);
    }
    return repeated;
}

void FutureWait::throw_instead() {
    if (waiting_task_ != nullptr && task()->take_cancellation()) {
        task()->throw_cancelled();
    }
    state_->throw_no_value();
}

void FutureWait::refuse(TaskStateBase& task) const {
    if (state_.get() == &task) {
        throw std::runtime_error("Task cannot await on itself: " + task.repr());
    }
    throw std::runtime_error("Task " + task.repr() + " got Future " + state_->repr() +
                             " attached to a different loop");
}

}  // namespace detail
}  // namespace ringio

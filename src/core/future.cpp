#include <ringio/core/future.hpp>

#include <unordered_set>

namespace ringio {

void AnyFuture::throw_invalid() {
    throw std::invalid_argument(
        "this handle refers to no future: it was default-constructed or moved from");
}

bool AnyFuture::request_cancel(const std::string& message,
                               const std::source_location& where) const {
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

// It throws by itself, and is called from the warm part of the coroutine: each function between a
// throw and its catch is unwound twice, and a place at the end of a long one takes longer.
void FutureWait::resume() {
    if (waiting_task_ != nullptr && task()->take_cancellation()) [[unlikely]] {
        throw CancelledError(task()->cancellation());
    }
    if (state_->has_value()) [[likely]] {
        return;
    }
    state_->mark_retrieved();
    if (const CancellationPtr* const request = state_->cancelled_by()) {
        throw CancelledError(*request);
    }
    std::rethrow_exception(state_->failure());
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

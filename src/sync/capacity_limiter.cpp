#include <ringio/sync/capacity_limiter.hpp>

#include <algorithm>
#include <functional>
#include <stdexcept>

namespace ringio {
namespace {

std::size_t checked_total(std::ptrdiff_t total_tokens) {
    if (total_tokens < 1) {
        throw std::invalid_argument("total_tokens must be >= 1");
    }
    return static_cast<std::size_t>(total_tokens);
}

[[noreturn]] void throw_twice() {
    throw std::runtime_error("this borrower already holds a token of this CapacityLimiter");
}

}  // namespace

CapacityLimiter::CapacityLimiter(std::ptrdiff_t total_tokens)
    : total_(checked_total(total_tokens)) {}

void CapacityLimiter::set_total_tokens(std::ptrdiff_t total_tokens) {
    total_ = checked_total(total_tokens);
    hand_out();
}

bool CapacityLimiter::acquire_nowait() {
    detail::TaskStateBase& task = detail::running_task();
    return borrow_nowait(&task, &task);
}

bool CapacityLimiter::acquire_on_behalf_of_nowait(const void* borrower) {
    return borrow_nowait(borrower, nullptr);
}

bool CapacityLimiter::borrow_nowait(const void* borrower, detail::TaskStateBase* task) {
    if (is_borrower(borrower)) {
        throw_twice();
    }
    // Who waits has been given every token there is: nobody is overtaken.
    if (borrowed_ >= total_) {
        return false;
    }
    insert(borrower, task);
    ++borrowed_;
    return true;
}

void CapacityLimiter::release() { release_on_behalf_of(&detail::running_task()); }

void CapacityLimiter::release_on_behalf_of(const void* borrower) {
    if (!is_borrower(borrower)) {
        throw std::runtime_error("this borrower holds no token of this CapacityLimiter");
    }
    const auto position = position_of(borrower);
    const Borrower gone = std::move(*position);  // the last one to know of the task, perhaps
    borrowers_.erase(position);
    put_back();
}

std::vector<CapacityLimiter::Borrower>::iterator CapacityLimiter::position_of(
    const void* borrower) noexcept {
    return std::lower_bound(borrowers_.begin(), borrowers_.end(), borrower,
                            [](const Borrower& entry, const void* identity) {
                                return std::less<>()(entry.identity, identity);
                            });
}

bool CapacityLimiter::is_borrower(const void* borrower) noexcept {
    const auto position = position_of(borrower);
    return position != borrowers_.end() && position->identity == borrower;
}

void CapacityLimiter::insert(const void* borrower, detail::TaskStateBase* task) {
    if (is_borrower(borrower)) {
        throw_twice();
    }
    borrowers_.insert(position_of(borrower),
                      Borrower{borrower, IntrusivePtr<detail::FutureStateBase>(task)});
}

void CapacityLimiter::put_back() noexcept {
    --borrowed_;
    hand_out();
}

void CapacityLimiter::hand_out() noexcept {
    while (borrowed_ < total_ && waiters_.wake_next()) {
        ++borrowed_;
    }
}

std::string CapacityLimiter::repr() const {
    return "<CapacityLimiter [borrowed:" + std::to_string(borrowed_) + "/" +
           std::to_string(total_) + waiters_.repr_suffix() + "]>";
}

void CapacityToken::release() noexcept {
    if (CapacityLimiter* const limiter = std::exchange(limiter_, nullptr)) {
        try {
            limiter->release_on_behalf_of(borrower_);
        } catch (const std::runtime_error&) {
            // Its borrower has called release() itself.
        }
    }
}

namespace detail {

BorrowWait::BorrowWait(CapacityLimiter& limiter, const void* borrower)
    : QueuedWait(limiter.waiters_),
      limiter_(limiter),
      own_task_(borrower == nullptr ? &running_task() : nullptr),
      borrower_(borrower == nullptr ? own_task_ : borrower) {}

bool BorrowWait::await_ready() { return limiter_.borrow_nowait(borrower_, own_task_); }

void BorrowWait::finish() {
    if (!has_waited()) {
        return;
    }
    const WaitEnd end = leave();
    if (end == WaitEnd::passed_over) {
        limiter_.put_back();
    }
    if (end != WaitEnd::woken) {
        throw_ended();
    }
    try {
        limiter_.insert(borrower_, own_task_);
    } catch (...) {
        limiter_.put_back();
        throw;
    }
}

}  // namespace detail
}  // namespace ringio

#include <ringio/sync/semaphore.hpp>

#include <stdexcept>

namespace ringio {

Semaphore::Semaphore(std::ptrdiff_t value, std::ptrdiff_t bound)
    : value_(value), bound_(bound), binding_(is_bounded() ? "BoundedSemaphore" : "Semaphore") {
    if (value < 0) {
        throw std::invalid_argument("Semaphore initial value must be >= 0");
    }
}

void Semaphore::release() {
    if (is_bounded() && value_ >= bound_) {
        throw std::invalid_argument("BoundedSemaphore released too many times");
    }
    ++value_;
    if (waiters_.wake_next()) {
        --value_;
    }
}

std::string Semaphore::repr() const {
    return std::string(is_bounded() ? "<BoundedSemaphore [" : "<Semaphore [") +
           (locked() ? "locked" : "unlocked, value:" + std::to_string(value_)) +
           waiters_.repr_suffix() + "]>";
}

void detail::SemaphoreWait::finish() {
    if (!has_waited()) {
        return;
    }
    const WaitEnd end = leave();
    if (end == WaitEnd::orphaned) {
        throw_ended();
    }
    if (end == WaitEnd::passed_over) {
        ++semaphore_.value_;
    }
    // Permits that came free while somebody who was woken had not run yet.
    while (semaphore_.value_ > 0 && semaphore_.waiters_.wake_next()) {
        --semaphore_.value_;
    }
    if (end != WaitEnd::woken) {
        throw_ended();
    }
}

}  // namespace ringio

#include <ringio/sync/lock.hpp>

#include <stdexcept>

namespace ringio {

void Lock::release() {
    if (!locked_) {
        throw std::runtime_error("Lock is not acquired.");
    }
    locked_ = false;
    waiters_.wake_first();
}

std::string Lock::repr() const {
    return std::string("<Lock [") + (locked_ ? "locked" : "unlocked") + waiters_.repr_suffix() +
           "]>";
}

detail::WaitEnd detail::LockWait::finish_quietly() noexcept {
    if (!has_waited()) {
        return WaitEnd::woken;
    }
    const WaitEnd end = leave();
    if (end == WaitEnd::woken) {
        lock_.locked_ = true;
    } else if (end != WaitEnd::orphaned && !lock_.locked_) {
        lock_.waiters_.wake_first();
    }
    return end;
}

}  // namespace ringio

// How other threads wake a ring that sleeps.
#include <ringio/ring/ring.hpp>

#include <cerrno>

#include "wake_read.hpp"

namespace ringio {

std::shared_ptr<Waker> Ring::accept_wakes() {
    if (std::shared_ptr<Waker> waker = kernel_->waker()) {
        return waker;
    }
    if (!wake_read_) {
        wake_read_ = std::make_unique<WakeRead>(*this);
    }
    wake_read_->arm();
    return wake_read_->waker();
}

void Ring::WakeRead::complete(int result, std::uint32_t) noexcept {
    if (!wanted_) {
        return;
    }
    if (result >= 0 || result == -EINTR || result == -ECANCELED) {
        ring_.submit(*this);
        return;
    }
    // Others last (somebody closed the descriptor, or made it non-blocking): to ask again and again
    // would keep the loop busy for ever.
    ring_.wake_failed_ = true;
    ring_.touched_ = true;
    ring_.failure_ = -result;
}

std::size_t Ring::in_flight() const noexcept {
    return in_flight_ - (wake_read_ && wake_read_->in_flight() ? 1 : 0);
}

void Ring::end_requests() {
    if (in_flight_ != 0 && wake_read_) {
        wake_read_->retire();
    }
    while (in_flight_ != 0) {
        cancel_all();
        enter(true, std::chrono::seconds(1));
        reap();
    }
}

}  // namespace ringio

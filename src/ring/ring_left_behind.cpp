// How a ring is given up on another thread than its own. Kernel: only the thread that made it may
// enter it (SINGLE_ISSUER) and run what completes its requests (DEFER_TASKRUN); any thread may
// close it, which cancels them some time later.
#include <ringio/ring/ring.hpp>

#include <atomic>
#include <iterator>
#include <utility>

#include <liburing.h>

#include "user_data.hpp"
#include "wake_read.hpp"

namespace ringio {

// Calls visit(completion) for each request that was written to an entry and is not the kernel's
// yet.
template <class Visit>
void Ring::visit_written(Visit visit) const {
    const io_uring_sq& sq = queues_->sq;
    for (unsigned head = io_uring_smp_load_acquire(sq.khead); head != sq.sqe_tail; ++head) {
        const std::uint64_t user_data = sq.sqes[head & sq.ring_mask].user_data;
        if ((user_data & kind_mask) == operation_kind) {
            visit(*completion_of(user_data));
        }
    }
}

// What the kernel may still write to stays for ever, where leak checkers find it.
void Ring::forsake_wake_read() noexcept {
    static std::atomic<WakeRead*> left = nullptr;
    WakeRead* const forsaken = wake_read_.release();
    forsaken->next_left = left.load();
    while (!left.compare_exchange_weak(forsaken->next_left, forsaken)) {
    }
    --in_flight_;
}

bool Ring::leave_behind() noexcept {
    if (std::exchange(left_behind_, true)) {
        return true;
    }
    if (wake_read_) {
        wake_read_->retire();
    }
    while (reap() > 0) {
    }
    std::size_t known = in_flight_;  // to the kernel
    for (const IntrusiveList<Completion>* list : {&waiting_, &starved_, &withdrawn_}) {
        known -= static_cast<std::size_t>(std::distance(list->begin(), list->end()));
    }
    bool wake_is_written = false;
    visit_written([&](const Completion& completion) {
        --known;
        wake_is_written = wake_is_written || &completion == wake_read_.get();
    });
    // Its completion never comes, and the kernel may write to it until that thread has ended.
    const bool forsake =
        wake_read_ && wake_read_->state_ == Completion::State::submitted && !wake_is_written;
    if (known != (forsake ? 1U : 0U)) {
        left_behind_ = false;
        return false;
    }
    visit_written([this](Completion& completion) {
        completion.state_ = Completion::State::withdrawn;
        if (completion.cancel_ == Completion::Cancel::waiting) {
            completion.unlink();  // from cancels_
        }
        withdrawn_.push_back(completion);
        somebody_waits_ = true;
    });
    if (forsake) {
        forsake_wake_read();
    }
    cancel_all_wanted_ = false;
    return true;
}

}  // namespace ringio

// How a ring is given up on another thread than its own. Kernel: only the thread that made it may
// enter it (SINGLE_ISSUER) and run what completes its requests (DEFER_TASKRUN); any thread may
// close it, which cancels them some time later.
#include <ringio/ring/ring.hpp>

#include <iterator>
#include <utility>

#include <liburing.h>

#include "user_data.hpp"

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

bool Ring::leave_behind(Completion& forsaken) noexcept {
    if (std::exchange(left_behind_, true)) {
        return true;
    }
    while (reap() > 0) {
    }
    std::size_t known = in_flight_;  // to the kernel
    for (const IntrusiveList<Completion>* list : {&waiting_, &starved_, &withdrawn_}) {
        known -= static_cast<std::size_t>(std::distance(list->begin(), list->end()));
    }
    bool forsaken_is_written = false;
    visit_written([&](const Completion& completion) {
        --known;
        forsaken_is_written = forsaken_is_written || &completion == &forsaken;
    });
    const bool forsake = forsaken.state_ == Completion::State::submitted && !forsaken_is_written;
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
        --in_flight_;
    }
    cancel_all_wanted_ = false;
    return true;
}

}  // namespace ringio

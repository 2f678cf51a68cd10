// Those whom the ring lets wait: for an entry, for a buffer, for another try at a cancel that did
// not take hold, or, withdrawn, for the next reap.
#include <ringio/ring/ring.hpp>

#include <algorithm>

#include <liburing.h>

#include "user_data.hpp"

namespace ringio {

void Ring::wait_in(IntrusiveList<Completion>& list, Completion& completion) noexcept {
    completion.state_ = Completion::State::waiting;
    list.push_back(completion);
    somebody_waits_ = true;
}

void Ring::withdraw(Completion& completion) noexcept {
    completion.unlink();
    completion.state_ = Completion::State::withdrawn;
    withdrawn_.push_back(completion);
    somebody_waits_ = true;
}

// The entry of a request that was written and that the kernel has not read, or null.
io_uring_sqe* Ring::find_written(const Completion& completion) const noexcept {
    const io_uring_sq& sq = queues_->sq;
    const unsigned unread = io_uring_sq_ready(queues_);
    const std::uint64_t sought = user_data_of(completion, completion.generation_);
    for (unsigned back = 1; back <= unread; ++back) {
        io_uring_sqe& sqe = sq.sqes[(sq.sqe_tail - back) & sq.ring_mask];
        if (sqe.user_data == sought) {
            return &sqe;
        }
    }
    return nullptr;
}

// Kernel: an entry's descriptor is looked up when it is read. Who cancels may close it before, and
// the number may then be another's.
void Ring::retract(Completion& completion, io_uring_sqe& sqe) noexcept {
    io_uring_prep_nop(&sqe);
    io_uring_sqe_set_flags(&sqe, IOSQE_CQE_SKIP_SUCCESS);
    sqe.user_data = cancel_kind;
    withdraw(completion);
}

// Kernel: a cancel that finds no request (-ENOENT) may come while that is on its way from one queue
// of the kernel to another; one that finds it running in a worker (-EALREADY) may come just before
// the worker leaves it to a poll. Neither ends the request then, and nothing else would. Not at
// once, for a worker may take its time; and by then most of the others have ended.
void Ring::note_refused_cancel() noexcept {
    if (!asked_.empty() && !std::exchange(repeat_wanted_, true)) {
        repeat_at_ = kernel_->now() + retry_interval;
        somebody_waits_ = true;
    }
}

void Ring::repeat_cancels() noexcept {
    if (asked_.empty()) {
        repeat_wanted_ = false;
    } else if (kernel_->now() >= repeat_at_) {
        repeat_wanted_ = false;
        for (Completion& completion : asked_) {
            completion.cancel_ = Completion::Cancel::waiting;
        }
        cancels_.splice_back(asked_);
    }
}

// Gives entries to those that wait for one, cancels first, for they make room. Returns false when
// the kernel accepts no more now.
bool Ring::write_waiting() noexcept {
    if (cancel_all_wanted_) {
        cancel_all_wanted_ = !write_cancel_all();
    }
    while (Completion* const completion = cancels_.front()) {
        io_uring_sqe* const sqe = next_sqe();
        if (sqe == nullptr) {
            return false;
        }
        completion->unlink();
        write_cancel(*completion, *sqe);
    }
    while (Completion* const completion = waiting_.front()) {
        io_uring_sqe* const sqe = cancel_all_wanted_ ? nullptr : next_sqe();
        if (sqe == nullptr) {
            return false;
        }
        completion->unlink();
        write_request(*completion, *sqe);
    }
    return !cancel_all_wanted_;
}

// Submits so few that there are buffers for them and for what arrives beside them. Returns whether
// more could be fed at once after them. With every buffer borrowed nobody is fed: who gives one
// back does so before the next entry.
bool Ring::feed_starved() noexcept {
    const unsigned available = buffers_ ? buffers_->available() : BufferPool::count;
    unsigned portion = std::min(available, BufferPool::count / 2);
    while (portion > 0 && !starved_.empty()) {
        Completion& completion = *starved_.front();
        completion.unlink();
        write_or_wait(completion);
        --portion;
    }
    return available > 0 && !starved_.empty();
}

// Returns whether more could be done at once after this entry; where only time helps, it is not to
// sleep for long.
bool Ring::serve_those_who_wait(std::optional<std::chrono::nanoseconds>& timeout) noexcept {
    bool soon_again = repeat_wanted_;
    if (repeat_wanted_) {
        repeat_cancels();
    }
    if (!nothing_waits() && !write_waiting()) {
        soon_again = true;
    }
    if (soon_again) {
        timeout = std::min(timeout.value_or(retry_interval), retry_interval);
    }
    const bool more_to_feed = !starved_.empty() && feed_starved();
    somebody_waits_ =
        !nothing_waits() || !starved_.empty() || !withdrawn_.empty() || repeat_wanted_;
    return more_to_feed;
}

bool Ring::nothing_waits() const noexcept {
    return waiting_.empty() && cancels_.empty() && !cancel_all_wanted_;
}

// Delivers to those withdrawn before this call: what is withdrawn meanwhile is for the next one.
unsigned Ring::reap_withdrawn() noexcept {
    IntrusiveList<Completion> due;
    due.splice_back(withdrawn_);
    unsigned delivered = 0;
    while (Completion* const completion = due.pop_front()) {
        completion->state_ = Completion::State::idle;
        --in_flight_;
        ++delivered;
        completion->complete(-ECANCELED, 0);
    }
    return delivered;
}

}  // namespace ringio

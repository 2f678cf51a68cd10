#include "epoll_state.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <ringio/base/delay.hpp>

namespace ringio::detail {

using std::chrono::nanoseconds;

EpollState::EpollState(io_uring& queues, unsigned entries, unsigned cq_entries)
    : entries_(entries), completions_(cq_entries) {
    queues.sq.khead = &entries_head_;
    queues.sq.ktail = &entries_tail_;
    queues.sq.kflags = &flags_;
    queues.sq.sqes = entries_.data();
    queues.sq.ring_entries = entries;
    queues.sq.ring_mask = entries - 1;
    queues.cq.khead = &completions_head_;
    queues.cq.ktail = &completions_tail_;
    queues.cq.cqes = completions_.data();
    queues.cq.ring_entries = cq_entries;
    queues.cq.ring_mask = cq_entries - 1;
    if (const int result = descriptors_.add_own(waker_->fd(), wake_token); result != 0) {
        throw std::system_error(-result, std::system_category(), "epoll_ctl");
    }
}

// The threads are the parent's, and so is what epoll watches.
void EpollState::leave_to_parent() noexcept {
    descriptors_.close();
    sleep_.close();
    waker_.reset();
}

int EpollState::enter(unsigned submitted, bool wait, std::optional<nanoseconds> timeout) noexcept {
    budget_.refill();
    flush_due();
    feed_hungry();
    const int accepted = take_submissions(submitted);
    const bool took_all = accepted == static_cast<int>(submitted);
    wait = wait && took_all && !has_completions() && (!timeout || timeout->count() > 0);
    int looked = 0;
    // Those that wait for a buffer have their turn before more is brought. And where nobody waits
    // there is nothing to see.
    if (wait || (requests_.size() != 0 && (hungry_.empty() || !has_completions()))) {
        looked = look(wait, timeout);
    }
    flush_due();
    flags_ =
        (due_.empty() ? 0U : IORING_SQ_CQ_OVERFLOW) | (requests_.size() == 0 ? 0U : Kernel::look);
    return accepted != 0 ? accepted : took_all ? looked : -EAGAIN;
}

unsigned EpollState::room() const noexcept {
    const unsigned head = io_uring_smp_load_acquire(&completions_head_);
    return static_cast<unsigned>(completions_.size()) - (completions_tail_ - head);
}

bool EpollState::has_completions() const noexcept { return room() != completions_.size(); }

void EpollState::post(std::uint64_t user_data, int result, std::uint32_t flags) noexcept {
    io_uring_cqe& completion = completions_[completions_tail_ & (completions_.size() - 1)];
    completion.user_data = user_data;
    completion.res = result;
    completion.flags = flags;
    ++completions_tail_;
}

// There is room, or it is silent.
void EpollState::deliver(const io_uring_sqe& request, int result) noexcept {
    if (!is_silent(request, result)) {
        post(request.user_data, result, 0);
    }
}

void EpollState::finish(WaitingRequest& request, int result) noexcept {
    requests_.hide(request);
    if ((due_.empty() && room() != 0) || is_silent(request.call.request, result)) {
        deliver(request.call.request, result);
        requests_.drop(request);
        return;
    }
    request.stage = Stage::due;
    request.result = result;
    due_.push_back(request);
}

void EpollState::flush_due() noexcept {
    while (!due_.empty() && room() != 0) {
        WaitingRequest& request = *due_.pop_front();
        deliver(request.call.request, request.result);
        requests_.drop(request);
    }
}

// Those who wait for a buffer have none to wait for when a sleep is due: all are in the hands of
// those who do not give them back in this turn.
int EpollState::look(bool wait, std::optional<nanoseconds> timeout) noexcept {
    const auto deadline = wait && timeout ? std::optional(saturating_add(Clock::now(), *timeout))
                                          : std::optional<Clock::time_point>();
    for (;;) {
        if (wait) {
            starve_hungry();
            wait = !has_completions();
        }
        const auto limit = wait ? time_left(deadline) : nanoseconds::zero();
        const int count = sleep_.wait(descriptors_, events_.data(), most_events, limit);
        if (count < 0) {
            return count;
        }
        const bool woken = handle_events(count);
        try_those_later();
        if (!wait || woken || has_completions()) {
            return 0;
        }
        if (deadline && Clock::now() >= *deadline) {
            return -ETIME;
        }
    }
}

// Until the deadline, or until one of those that are tried again later has its turn.
std::optional<nanoseconds> EpollState::time_left(
    std::optional<Clock::time_point> deadline) const noexcept {
    for (const WaitingRequest& request : later_) {
        deadline = std::min(deadline.value_or(Clock::time_point::max()), request.retry_at);
    }
    if (!deadline) {
        return std::nullopt;
    }
    return std::max<nanoseconds>(*deadline - Clock::now(), nanoseconds::zero());
}

// Tells whether somebody woke the kernel.
bool EpollState::handle_events(int count) noexcept {
    bool woken = false;
    for (int at = 0; at < count; ++at) {
        const epoll_event& event = events_[static_cast<std::size_t>(at)];
        if (event.data.u64 == wake_token) {
            woken = true;
        } else if (event.data.u64 != Sleep::timer_token) {
            handle_event(static_cast<int>(event.data.u64), event.events);
        }
    }
    if (woken && workers_) {
        collect_work();
    }
    return woken;
}

void EpollState::handle_event(int fd, std::uint32_t events) noexcept {
    Descriptor* const descriptor = descriptors_.find_or_make(fd);
    if (descriptor == nullptr) {
        return;
    }
    const bool ended = (events & (EPOLLERR | EPOLLHUP)) != 0;
    bool helped = descriptor->hungry != 0;
    helped = serve_polls(*descriptor, events) || helped;
    if (ended || (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP)) != 0) {
        // More than data has come: what follows it is found in the same turn, as io_uring does.
        const bool reads_on = ended || (events & EPOLLRDHUP) != 0;
        helped = serve(descriptor->readers, reads_on) || helped;
    }
    if (ended || (events & EPOLLOUT) != 0) {
        helped = serve(descriptor->writers, false) || helped;
    }
    descriptors_.after_event(fd, *descriptor, events, helped);
}

bool EpollState::serve_polls(Descriptor& descriptor, std::uint32_t events) noexcept {
    bool helped = false;
    for (auto at = descriptor.polls.begin(); at != descriptor.polls.end();) {
        WaitingRequest& poll = *at++;
        const std::uint32_t answer =
            events & (poll_events(poll.call.request) | EPOLLERR | EPOLLHUP);
        if (answer != 0) {
            poll.unlink();
            finish(poll, static_cast<int>(answer));
            helped = true;
        }
    }
    return helped;
}

// First come, first served, until the descriptor is not ready any more.
bool EpollState::serve(IntrusiveList<WaitingRequest>& queue, bool reads_on) noexcept {
    bool helped = false;
    while (WaitingRequest* const request = queue.front()) {
        if (room() == 0) {
            return true;  // it shows again
        }
        const unsigned posted = completions_tail_;
        const std::uint32_t moved = request->call.done;
        const Verdict verdict = try_once(request->call, reads_on);
        helped = helped || completions_tail_ != posted || request->call.done != moved;
        if (verdict.next == Verdict::Next::readable || verdict.next == Verdict::Next::writable) {
            break;
        }
        request->unlink();
        go_on(*request, verdict);
        helped = true;
    }
    return helped;
}

void EpollState::collect_work() noexcept {
    IntrusiveList<WaitingRequest> done;
    workers_->collect(done);
    while (WaitingRequest* const request = done.pop_front()) {
        finish(*request, request->result);
    }
}

void EpollState::try_those_later() noexcept {
    if (later_.empty()) {
        return;
    }
    const Clock::time_point now = Clock::now();
    IntrusiveList<WaitingRequest> waiting;
    waiting.splice_back(later_);
    while (WaitingRequest* const request = waiting.pop_front()) {
        if (request->retry_at > now) {
            later_.push_back(*request);
        } else {
            go_on(*request, try_once(request->call, false));
        }
    }
}

}  // namespace ringio::detail

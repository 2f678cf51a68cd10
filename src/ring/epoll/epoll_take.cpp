// How a request is taken, tried, and put where it waits; and how it is cancelled.
#include "epoll_state.hpp"

#include <algorithm>
#include <cerrno>
#include <new>

#include <sys/socket.h>

#include "../posix_now.hpp"

namespace ringio::detail {

int EpollState::take_submissions(unsigned submitted) noexcept {
    int accepted = 0;
    for (; submitted != 0; --submitted) {
        if (!take(entries_[entries_head_ & (entries_.size() - 1)])) {
            break;
        }
        io_uring_smp_store_release(&entries_head_, entries_head_ + 1);
        ++accepted;
    }
    return accepted;
}

// False, with nothing done, when there is neither room for the result nor memory to keep it.
bool EpollState::take(const io_uring_sqe& request) noexcept {
    Call call{.request = {request}};
    WaitingRequest* kept = nullptr;
    if (!due_.empty() || room() == 0) {
        kept = requests_.make(call);
        if (kept == nullptr) {
            return false;
        }
    }
    Verdict verdict = request.opcode == IORING_OP_ASYNC_CANCEL
                          ? Verdict::over(cancel(request, kept))
                          : try_first(call);
    if (request.opcode == IORING_OP_SHUTDOWN && verdict.result == 0) {
        retry_writers(request.fd);
    }
    const bool done = verdict.next == Verdict::Next::done;
    if (kept == nullptr && done && (room() != 0 || is_silent(request, verdict.result))) {
        deliver(request, verdict.result);
        return true;
    }
    if (kept == nullptr) {
        kept = requests_.make(call);
    }
    if (kept == nullptr) {
        if (room() != 0) {  // else a cancel of everything filled it: nobody misses its answer
            deliver(request, call.final_result(-ENOMEM));
        }
        return true;
    }
    kept->call = call;
    go_on(*kept, verdict);
    return true;
}

// As an old kernel does, it refuses what it does not know.
Verdict EpollState::try_first(Call& call) noexcept {
    const io_uring_sqe& request = call.request;
    constexpr unsigned known = IOSQE_CQE_SKIP_SUCCESS | IOSQE_BUFFER_SELECT | IOSQE_ASYNC;
    const bool selects = (request.flags & IOSQE_BUFFER_SELECT) != 0;
    if ((request.flags & ~known) != 0 || selects != is_multishot(request)) {
        return Verdict::over(-EINVAL);
    }
    if (request.opcode == IORING_OP_CLOSE) {
        descriptors_.forget(request.fd);
    }
    return try_once(call, false);
}

Verdict EpollState::try_once(Call& call, bool reads_on) noexcept {
    return is_multishot(call.request) ? receive_many(call.request, reads_on)
                                      : attempt(call, budget_);
}

// One provided buffer after the other, but not so many that others wait long. A buffer that was not
// filled says that there is no more for now; should there be, the descriptor shows it again.
Verdict EpollState::receive_many(const io_uring_sqe& request, bool reads_on) noexcept {
    constexpr int most_buffers = 4;
    if (buffers_ == nullptr || request.buf_group != buffers_group_) {
        return Verdict::over(-ENOBUFS);
    }
    for (int count = 0; count < most_buffers; ++count) {
        if (room() == 0) {
            break;
        }
        if (!has_buffer()) {
            return {Verdict::Next::buffer, 0};
        }
        const io_uring_buf& buffer = buffers_->bufs[buffers_taken_ & buffers_mask_];
        const ssize_t received = ::recv(request.fd, pointer<void>(buffer.addr), buffer.len,
                                        static_cast<int>(request.msg_flags | MSG_DONTWAIT));
        if (received < 0 && (errno == EAGAIN || errno == EINTR)) {
            break;
        }
        if (received <= 0) {
            return Verdict::over(received == 0 ? 0 : -errno);
        }
        ++buffers_taken_;
        post(request.user_data, static_cast<int>(received),
             IORING_CQE_F_MORE | IORING_CQE_F_BUFFER |
                 std::uint32_t{buffer.bid} << IORING_CQE_BUFFER_SHIFT);
        if (static_cast<std::uint32_t>(received) < buffer.len && !reads_on) {
            break;
        }
    }
    return {Verdict::Next::readable, 0};
}

void EpollState::set_buffers(io_uring_buf_ring* ring, unsigned entries,
                             std::uint16_t group) noexcept {
    buffers_ = ring;
    buffers_mask_ = entries - 1;
    buffers_group_ = group;
    buffers_taken_ = 0;
}

bool EpollState::has_buffer() const noexcept {
    return static_cast<std::uint16_t>(buffers_->tail - buffers_taken_) != 0;
}

// Puts a request, which is in no list, where its last try says.
void EpollState::go_on(WaitingRequest& request, Verdict verdict) noexcept {
    switch (verdict.next) {
        case Verdict::Next::done:
            return finish(request, verdict.result);
        case Verdict::Next::readable:
        case Verdict::Next::writable:
            return park(request, verdict.next);
        case Verdict::Next::buffer:
            return wait_for_buffer(request);
        case Verdict::Next::later:
            return wait_a_while(request);
        case Verdict::Next::worker:
            return give_to_worker(request);
    }
}

void EpollState::park(WaitingRequest& request, Verdict::Next next) noexcept {
    const io_uring_sqe& asked = request.call.request;
    Descriptor* const descriptor = asked.fd < 0 ? nullptr : descriptors_.find_or_make(asked.fd);
    if (descriptor == nullptr) {
        return finish(request, asked.fd < 0 ? -EBADF : -ENOMEM);
    }
    const bool polls = asked.opcode == IORING_OP_POLL_ADD;
    const bool first = descriptor->is_idle();
    request.stage = Stage::parked;
    (polls                             ? descriptor->polls
     : next == Verdict::Next::readable ? descriptor->readers
                                       : descriptor->writers)
        .push_back(request);
    const int result = descriptors_.watch(asked.fd, *descriptor, first);
    if (result == 0) {
        return;
    }
    request.unlink();
    if (result != -EPERM) {
        return finish(request, request.call.final_result(result));
    }
    // Kernel: epoll refuses files, and what else knows of no readiness; to io_uring they are ready.
    if (!polls) {
        return give_to_worker(request);
    }
    const std::uint32_t ready =
        poll_events(asked) & (EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM);
    finish(request, ready != 0 ? static_cast<int>(ready) : -EINVAL);
}

void EpollState::wait_for_buffer(WaitingRequest& request) noexcept {
    const int fd = request.call.request.fd;
    Descriptor* const descriptor = fd < 0 ? nullptr : descriptors_.find_or_make(fd);
    if (descriptor == nullptr) {
        return finish(request, fd < 0 ? -EBADF : -ENOMEM);
    }
    ++descriptor->hungry;
    request.stage = Stage::hungry;
    hungry_.push_back(request);
}

// Serves those who found no buffer, in their order, while there are any.
void EpollState::feed_hungry() noexcept {
    IntrusiveList<WaitingRequest> waiting;
    waiting.splice_back(hungry_);
    while (!waiting.empty()) {
        if (buffers_ == nullptr || !has_buffer() || room() == 0) {
            waiting.splice_back(hungry_);
            hungry_.splice_back(waiting);
            return;
        }
        WaitingRequest& request = *waiting.pop_front();
        --descriptors_.find_or_make(request.call.request.fd)->hungry;
        go_on(request, receive_many(request.call.request, false));
    }
}

void EpollState::starve_hungry() noexcept {
    feed_hungry();
    if (has_completions()) {
        return;
    }
    while (WaitingRequest* const request = hungry_.pop_front()) {
        --descriptors_.find_or_make(request->call.request.fd)->hungry;
        finish(*request, -ENOBUFS);
    }
}

void EpollState::wait_a_while(WaitingRequest& request) noexcept {
    using std::chrono::milliseconds;
    request.retry_after = std::clamp(2 * request.retry_after, milliseconds(1), milliseconds(50));
    request.retry_at = Clock::now() + request.retry_after;
    request.stage = Stage::later;
    later_.push_back(request);
}

// Kernel: a Unix socket that sends no more becomes neither writable nor hung up; only those who
// wait in send(2) are told.
void EpollState::retry_writers(int fd) noexcept {
    Descriptor* const descriptor = descriptors_.find_or_make(fd);
    while (WaitingRequest* const request = descriptor ? descriptor->writers.pop_front() : nullptr) {
        request->stage = Stage::later;
        request->retry_at = {};  // now
        later_.push_back(*request);
    }
}

void EpollState::give_to_worker(WaitingRequest& request) noexcept {
    if (!workers_) {
        workers_.reset(new (std::nothrow) Workers(*waker_));
    }
    if (!workers_) {
        return finish(request, call_blocking(request.call));
    }
    request.stage = Stage::at_worker;
    workers_->submit(request);
}

// Ends what can be ended, and answers with how many it was.
int EpollState::cancel(const io_uring_sqe& request, const WaitingRequest* canceller) noexcept {
    if ((request.cancel_flags & ~(IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL)) != 0) {
        return -EINVAL;
    }
    if ((request.cancel_flags & IORING_ASYNC_CANCEL_ANY) == 0) {
        WaitingRequest* const found = requests_.find(request.addr);
        return found == nullptr ? -ENOENT : end(*found);
    }
    int ended = 0;
    requests_.visit([&](WaitingRequest& waiting) {
        if (&waiting != canceller && end(waiting) == 0) {
            ++ended;
        }
    });
    return ended != 0 ? ended : -ENOENT;
}

// Returns 0, or -EALREADY when a thread has begun with it: that cannot be interrupted.
int EpollState::end(WaitingRequest& request) noexcept {
    switch (request.stage) {
        case Stage::at_worker:
            if (!workers_->withdraw(request)) {
                return -EALREADY;
            }
            break;
        case Stage::hungry:
            --descriptors_.find_or_make(request.call.request.fd)->hungry;
            break;
        case Stage::fresh:
        case Stage::parked:
        case Stage::later:
        case Stage::due:
            break;
    }
    request.unlink();
    finish(request, request.call.final_result(-ECANCELED));
    return 0;
}

}  // namespace ringio::detail

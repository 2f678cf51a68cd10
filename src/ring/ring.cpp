#include <ringio/ring/ring.hpp>
#include <ringio/ring/socket_requests.hpp>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <liburing.h>

#include <ringio/base/assert.hpp>

#include "user_data.hpp"
#include "wake_read.hpp"

namespace ringio {
namespace {

using std::chrono::nanoseconds;

// So many sleeps of retry_interval in a row may bring nothing before the kernel is given up: ten
// seconds together.
constexpr unsigned most_fruitless_sleeps = 1000;

void set_user_data(io_uring_sqe& sqe, std::uint64_t user_data) noexcept {
    io_uring_sqe_set_data64(&sqe, user_data);
}

}  // namespace

Ring::Ring(std::unique_ptr<Kernel> kernel)
    : kernel_(std::move(kernel)),
      queues_(&kernel_->queues()),
      completion_head_(queues_->cq.khead),
      completion_tail_(queues_->cq.ktail),
      kernel_flags_(queues_->sq.kflags),
      news_flags_(IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW | Kernel::look),
      thread_(std::this_thread::get_id()) {}

Ring::~Ring() {
    if (process_.is_left()) {  // what is in flight is the parent's
        if (wake_read_) {
            forsake_wake_read();
        }
        return;
    }
    RINGIO_ASSERT(is_here() || left_behind_, "a ring is destroyed on the thread that created it");
    RINGIO_ASSERT(in_flight_ == 0, "a ring is destroyed with requests in flight");
    if (buffers_) {
        buffers_->unregister(*kernel_);
    }
}

// Door 1: takes a submission entry. When the queue is full it is handed over first; null when the
// kernel accepts nothing now.
io_uring_sqe* Ring::next_sqe() noexcept {
    require_own_process();
    if (left_behind_) [[unlikely]] {
        return nullptr;
    }
    io_uring_sqe* sqe = io_uring_get_sqe(queues_);
    if (sqe == nullptr) [[unlikely]] {
        keep_failure(kernel_->enter(false, std::nullopt));
        sqe = io_uring_get_sqe(queues_);
    }
    return sqe;
}

// Kernel: the ring's memory is not inherited by fork(2), and must not be shared with a child.
void Ring::require_own_process() const noexcept {
    RINGIO_ASSERT(!process_.is_left(), OwnProcess::refusal);
}

// Kernel: requests belong to the thread that submits them, and only that one may (SINGLE_ISSUER).
void Ring::require_own_thread() const noexcept {
    RINGIO_ASSERT(is_here() || left_behind_, "a ring is used on the thread that created it");
}

// Door 2: binds a request to a submission entry, or lets it wait for one.
void Ring::submit(Completion& completion) noexcept {
    count_in(completion);
    write_or_wait(completion);
}

void Ring::submit_starved(Completion& completion) noexcept {
    count_in(completion);
    wait_in(starved_, completion);
}

void Ring::count_in(Completion& completion) noexcept {
    require_own_thread();
    RINGIO_ASSERT(!completion.in_flight(), "a request is submitted that is in flight already");
    RINGIO_ASSERT(fits_user_data(completion),
                  "a request lies at an address of more than 48 bits, or one with a tag");
    touched_ = true;
    completion.generation_ = ++generation_;
    completion.cancel_ = Completion::Cancel::none;
    ++in_flight_;
}

void Ring::write_or_wait(Completion& completion) noexcept {
    // First come, first served; and a cancel of everything must not hit what is submitted later.
    const bool may_pass = waiting_.empty() && !cancel_all_wanted_;
    io_uring_sqe* const sqe = may_pass ? next_sqe() : nullptr;
    if (sqe == nullptr) [[unlikely]] {
        wait_in(waiting_, completion);
        return;
    }
    write_request(completion, *sqe);
}

void Ring::write_request(Completion& completion, io_uring_sqe& sqe) noexcept {
    completion.state_ = Completion::State::submitted;
    completion.prepare(sqe);
    set_user_data(sqe, user_data_of(completion, completion.generation_));
}

void Ring::cancel(Completion& completion) noexcept {
    require_own_thread();
    touched_ = true;
    switch (completion.state_) {
        case Completion::State::idle:
        case Completion::State::withdrawn:
            return;
        case Completion::State::waiting:
            withdraw(completion);
            return;
        case Completion::State::submitted:
            break;
    }
    if (completion.cancel_ != Completion::Cancel::none) {
        return;
    }
    if (io_uring_sqe* const written = find_written(completion)) {
        retract(completion, *written);
        return;
    }
    io_uring_sqe* const sqe = cancels_.empty() ? next_sqe() : nullptr;
    if (sqe == nullptr) {
        completion.cancel_ = Completion::Cancel::waiting;
        cancels_.push_back(completion);
        somebody_waits_ = true;
        return;
    }
    write_cancel(completion, *sqe);
}

void Ring::write_cancel(Completion& completion, io_uring_sqe& sqe) noexcept {
    completion.cancel_ = Completion::Cancel::sent;
    asked_.push_back(completion);
    const std::uint64_t target = user_data_of(completion, completion.generation_);
    io_uring_prep_cancel64(&sqe, target, 0);
    // Kernel: a cancel that succeeds then posts nothing (5.17); the request's own CQE says all.
    io_uring_sqe_set_flags(&sqe, IOSQE_CQE_SKIP_SUCCESS);
    set_user_data(sqe, target | cancel_kind);
}

void Ring::cancel_all() noexcept {
    touched_ = true;
    while (Completion* const completion = waiting_.front()) {
        withdraw(*completion);
    }
    while (Completion* const completion = starved_.front()) {
        withdraw(*completion);
    }
    cancel_all_wanted_ = !write_cancel_all();
    somebody_waits_ = somebody_waits_ || cancel_all_wanted_;
}

bool Ring::write_cancel_all() noexcept {
    io_uring_sqe* const sqe = next_sqe();
    if (sqe == nullptr) {
        return false;
    }
    io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
    io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
    set_user_data(*sqe, cancel_kind);
    return true;
}

BufferPool* Ring::make_buffers() noexcept {
    buffers_asked_for_ = true;
    buffers_ = BufferPool::make(*kernel_);
    begin_use();
    return buffers_.get();
}

bool Ring::enter_kernel(bool wait, std::optional<nanoseconds> timeout) {
    require_own_thread();
    require_own_process();
    if (left_behind_) [[unlikely]] {
        return something_to_reap();
    }
    const bool more_to_do = somebody_waits_ && serve_those_who_wait(timeout);
    const bool sleep = wait && failure_ == 0 && !more_to_do && !something_to_reap();
    if (sleep || io_uring_sq_ready(queues_) != 0 || (*kernel_flags_ & news_flags_) != 0) {
        const int entered = kernel_->enter(sleep, timeout);
        keep_failure(entered);
        if (sleep) {
            check_progress(entered);
        }
        // Kernel: whoever completes a request queues it first and sets TASKRUN then; an entry that
        // falls between the two takes it, and the flag stays with nothing behind it (seen in 6.18).
        false_news_ = !something_to_reap() && (*kernel_flags_ & IORING_SQ_TASKRUN) != 0;
    }
    if (failure_ != 0) [[unlikely]] {
        throw_failure();
    }
    touched_ = somebody_waits_ || io_uring_sq_ready(queues_) != 0;
    return something_to_reap();
}

void Ring::keep_failure(int entered) noexcept {
    if (entered < 0 && !Kernel::is_transient(entered)) [[unlikely]] {
        touched_ = true;
        failure_ = -entered;
        wake_failed_ = false;
    }
}

void Ring::check_progress(int entered) {
    const bool refused = io_uring_sq_ready(queues_) != 0;
    if (!refused || entered > 0 || something_to_reap()) {
        fruitless_sleeps_ = 0;
        return;
    }
    if (++fruitless_sleeps_ >= most_fruitless_sleeps) {
        fruitless_sleeps_ = 0;
        throw std::system_error(-entered, std::system_category(),
                                "the kernel accepts no requests, probably for want of memory");
    }
}

void Ring::throw_failure() {
    if (std::exchange(wake_failed_, false)) {
        throw std::system_error(std::exchange(failure_, 0), std::system_category(),
                                "other threads cannot wake the event loop any more: the read of "
                                "its eventfd failed");
    }
    const std::string text =
        failure_ == EBADR
            ? "the kernel had no memory for a completion and lost it; the ring cannot go on"
        : failure_ == EEXIST ? "a ring is used on another thread than the one that created it"
                             : "entering the kernel's " + std::string(kernel_->name()) + " failed";
    throw std::system_error(failure_, std::system_category(), text);
}

// Door 3: reads completions. Those who are told only take notes, so the room in the queue is given
// back for all of them together.
unsigned Ring::reap_completions() noexcept {
    unsigned delivered = somebody_waits_ ? reap_withdrawn() : 0;
    const io_uring_cq& cq = queues_->cq;
    unsigned head = *cq.khead;
    const unsigned end = io_uring_smp_load_acquire(cq.ktail);
    for (; head != end; ++head) {
        const io_uring_cqe& cqe = cq.cqes[head & cq.ring_mask];
        delivered += deliver(cqe.user_data, cqe.res, cqe.flags) ? 1U : 0U;
    }
    io_uring_smp_store_release(cq.khead, end);
    return delivered;
}

bool Ring::deliver(std::uint64_t user_data, int result, std::uint32_t flags) noexcept {
    if ((user_data & kind_mask) == cancel_kind) {
        // The cancelled request's own completion says what became of it.
        if (result == -ENOENT || result == -EALREADY) {
            note_refused_cancel();
        }
        return false;
    }
    auto* const completion = completion_of(user_data);
    RINGIO_ASSERT(completion != nullptr && completion->state_ == Completion::State::submitted &&
                      completion->generation_ == user_data >> generation_shift,
                  "a completion belongs to no request in flight");
    if ((flags & IORING_CQE_F_MORE) == 0) {
        completion->state_ = Completion::State::idle;
        --in_flight_;
        if (completion->cancel_ != Completion::Cancel::none) {
            completion->unlink();  // nothing is left to cancel
        }
    }
    completion->complete(result, flags);
    return true;
}

int Ring::try_now(Completion& completion) noexcept {
    RINGIO_ASSERT(!completion.in_flight(), "a request that is in flight is asked for again");
    io_uring_sqe scratch{};
    completion.prepare(scratch);
    return kernel_->try_now(scratch);
}

int Ring::try_now(const WriteRequest& request) noexcept {
    io_uring_sqe scratch{};
    request.prepare(scratch);
    return kernel_->try_now(scratch);
}

bool Ring::has_work() const noexcept {
    return something_to_reap() || !nothing_waits() || !starved_.empty() ||
           io_uring_sq_ready(queues_) != 0 || kernel_has_news();
}

bool Ring::something_to_reap() const noexcept {
    return !withdrawn_.empty() || io_uring_cq_ready(queues_) != 0;
}

// Tells whether the kernel holds completions back until it is entered. What it sets again after an
// entry that brought nothing is no reason not to sleep: a sleeping entry delivers it, if it is
// true.
bool Ring::kernel_has_news() const noexcept {
    const unsigned trusted = IORING_SQ_CQ_OVERFLOW | (false_news_ ? 0U : IORING_SQ_TASKRUN);
    return (IO_URING_READ_ONCE(*queues_->sq.kflags) & trusted) != 0;
}

}  // namespace ringio

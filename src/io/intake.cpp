#include <ringio/io/intake.hpp>

#include <ringio/ring/socket_requests.hpp>

#include <algorithm>
#include <cerrno>

namespace ringio::detail {
namespace {

constexpr std::size_t single_size_max = 256 * 1024;

}  // namespace

void IntakeWait::await_suspend(std::coroutine_handle<> coroutine) {
    TaskStateBase& task = running_task();
    intake_.begin(*this);
    reads_ = true;
    task_ = &task;
    task.suspend(coroutine, *this);
}

void IntakeWait::await_resume() {
    resumed_ = true;
    if (task_ == nullptr) {
        return;  // it did not have to wait
    }
    const bool asked = task_->take_cancellation();
    if (cancelled_ || asked) [[unlikely]] {
        intake_.settle();
        task_->throw_cancelled();
    }
}

bool IntakeWait::cancel(const std::string&) noexcept {
    if (woken_) {
        return false;
    }
    woken_ = true;
    cancelled_ = true;
    task_->wake();
    return true;
}

void IntakeWait::detach() noexcept {
    if (std::exchange(reads_, false)) {
        intake_.end(*this);
    }
}

Intake::~Intake() { recycle_loan(); }

void Intake::begin(IntakeWait& wait) {
    settle();
    if (!in_flight()) {
        retain();
        try {
            submit();
        } catch (...) {
            release();
            throw;
        }
    }
    wait_ = &wait;
}

void Intake::end(const IntakeWait& wait) noexcept {
    wait_ = nullptr;
    if (!wait.is_resumed()) {
        settle();  // its frame is destroyed with the data at hand
    }
}

// Submits the request that is wanted now. *Errors*: std::bad_alloc.
void Intake::submit() {
    Ring& ring = anchor_->loop->ring();
    if (!pool_) {
        pool_ = IntrusivePtr<BufferPool>(ring.buffers());
    }
    single_ = bulk_ || !pool_;
    if (single_) {
        static_cast<void>(buffer_.prepare(single_size_));
        buffer_.pin();
    }
    ring.submit(*this);
}

void Intake::prepare(io_uring_sqe& sqe) noexcept {
    if (single_) {
        const std::span<char> space = buffer_.space();
        RecvRequest{.fd = fd_, .buffer = space.data(), .size = space.size()}.prepare(sqe);
    } else {
        RecvMultishotRequest{.fd = fd_, .group = BufferPool::group}.prepare(sqe);
    }
}

void Intake::complete(int result, std::uint32_t flags) noexcept {
    if (!single_ && BufferPool::comes_with(flags)) {
        take_in(BufferPool::id_of(flags), result);
    }
    if (!in_flight()) {
        on_terminal(result);
    }
}

void Intake::take_in(unsigned id, int result) noexcept {
    const std::string_view bytes =
        pool_->borrow(id, result > 0 ? static_cast<std::size_t>(result) : 0);
    if (wait_ != nullptr && !wait_->is_woken() && !bytes.empty() && buffer_.empty() &&
        loan_.data() == nullptr) {
        loan_ = bytes;
        loan_id_ = id;
        wake_reader();
        return;
    }
    settle();
    append(bytes);
    pool_->recycle(id);
    if (!bytes.empty()) {
        wake_reader();
    }
}

void Intake::on_terminal(int result) noexcept {
    const bool paused = std::exchange(pausing_, false);
    if (single_) {
        commit_single(result);
    }
    bool starved = false;
    if (result == 0) {
        at_end_ = true;
    } else if (result == -ENOBUFS && !single_) {
        starved = true;
    } else if (result == -ECANCELED) {
        stopping_ = stopping_ || !paused;  // nobody asked: the loop closes
    } else if (result < 0 && result != -EINTR && !stopping_) {
        fail(-result);
    }
    if (at_end_ || failed_) {
        wake_reader();
    }
    if (!stopping_ && wants_more()) {
        if (starved && !bulk_) {
            anchor_->loop->ring().submit_starved(*this);
        } else {
            resubmit();
        }
        return;
    }
    if (stopping_) {
        request_ended();
    }
    release();
}

bool Intake::wants_more() const noexcept {
    if (at_end_ || failed_) {
        return false;
    }
    return (wait_ != nullptr && !wait_->is_woken()) || (!single_ && !bulk_);
}

void Intake::resubmit() noexcept {
    try {
        submit();
    } catch (...) {
        fail(ENOMEM);
        wake_reader();
        release();
    }
}

void Intake::commit_single(int result) noexcept {
    if (result > 0) {
        const auto size = static_cast<std::size_t>(result);
        const std::size_t space = buffer_.space().size();
        buffer_.commit(size);
        note_bulk(size, space);
        if (size == space) {
            single_size_ = std::min(single_size_ * 2, single_size_max);
        }
    }
    buffer_.unpin();
    if (result > 0) {
        wake_reader();
    }
}

void Intake::consume(std::size_t size) noexcept {
    if (loan_.data() == nullptr) {
        buffer_.consume(size);
        return;
    }
    loan_.remove_prefix(size);
    if (loan_.empty()) {
        recycle_loan();
    } else {
        copy_aside();
    }
}

std::string Intake::take(std::size_t size) {
    try {
        std::string bytes(data().substr(0, size));
        consume(bytes.size());
        return bytes;
    } catch (...) {
        settle();
        throw;
    }
}

Loan Intake::take_loan() noexcept {
    if (loan_.data() == nullptr) {
        return {};
    }
    if (!pool_->try_keep()) {
        settle();
        return {};
    }
    return {pool_, loan_id_, std::exchange(loan_, {})};
}

ReadBuffer Intake::take_buffer() {
    if (!buffer_.is_pinned()) {
        return std::exchange(buffer_, {});
    }
    ReadBuffer copy;
    copy.append(buffer_.data());
    buffer_.consume(buffer_.size());
    return copy;
}

void Intake::copy_aside() noexcept {
    append(loan_);
    recycle_loan();
}

// Without memory the connection fails: bytes would be missing.
void Intake::append(std::string_view bytes) noexcept {
    if (failed_) {
        return;
    }
    try {
        buffer_.append(bytes);
    } catch (...) {
        fail(ENOMEM);
        return;
    }
    if (buffer_.size() > 2 * limit_) {
        bulk_ = true;
        pausing_ = pausing_ || (in_flight() && !stopping_);
        cancel();
    }
}

void Intake::cancel() noexcept {
    if (in_flight() && anchor_->loop != nullptr) {
        anchor_->loop->ring().cancel(*this);
    }
}

void Intake::recycle_loan() noexcept {
    if (loan_.data() != nullptr) {
        loan_ = {};
        pool_->recycle(loan_id_);
    }
}

void Intake::fail(int error) noexcept {
    failed_ = true;
    cancel();
    failed(error);
}

bool Intake::stop() noexcept {
    stopping_ = true;
    cancel();
    return !in_flight();
}

}  // namespace ringio::detail

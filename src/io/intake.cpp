#include <ringio/io/intake.hpp>

#include <ringio/ring/socket_requests.hpp>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

namespace ringio::detail {
namespace {

constexpr std::size_t single_size_bulk = 64 * 1024;  // at first
constexpr std::size_t single_size_idle = 4 * 1024;   // at first, where there are no buffer rings
constexpr std::size_t single_size_max = 256 * 1024;

}  // namespace

void IntakeWait::await_suspend(std::coroutine_handle<> coroutine) {
    TaskStateBase& task = running_task();
    if (intake_.loop_or_null() != running_loop) [[unlikely]] {
        throw std::runtime_error(
            "a connection is read by a task of another event loop than its own, or that is closed");
    }
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
    if (in_flight()) {
        wait_ = &wait;
        return;
    }
    begun_ = true;
    if (fd_ >= 0) {
        retain();
        try {
            submit();
        } catch (...) {
            release();
            throw;
        }
    }
    wait_ = &wait;
    go_on();  // for one that is fed
}

void Intake::end(const IntakeWait& wait) noexcept {
    wait_ = nullptr;
    if (!wait.is_resumed()) {
        settle();  // its frame is destroyed with the data at hand
    }
}

// Submits the request that is wanted now. *Errors*: std::bad_alloc.
void Intake::submit() {
    Ring& ring = anchor_->loop->machine().ring();
    if (!pool_) {
        pool_ = IntrusivePtr<BufferPool>(ring.buffers());
    }
    single_ = bulk_ || !pool_;
    if (single_) {
        prepare_single();
    }
    ring.submit(*this);
}

void Intake::prepare_single() {
    if (single_size_ == 0) {
        single_size_ = bulk_ ? single_size_bulk : single_size_idle;
    }
    static_cast<void>(buffer_.prepare(single_size_));
    buffer_.pin();
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
        end_by_peer();
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
            anchor_->loop->machine().ring().submit_starved(*this);
        } else {
            resubmit();
        }
        return;
    }
    if (stopping_) {
        request_ended();
    } else {
        go_on();
    }
    release();
}

void Intake::end_by_peer() noexcept {
    at_end_ = true;
    ended_by_peer_ = true;
}

bool Intake::wants_more() const noexcept {
    if (at_end_ || failed_) {
        return false;
    }
    return (wait_ != nullptr && !wait_->is_woken()) || (!single_ && !bulk_);
}

// A reader mostly comes back in the same turn, and then says best what to ask for.
void Intake::go_on() noexcept {
    const bool idle = fd_ < 0 ? full_ : begun_ && !in_flight();
    if (idle && !is_over() && anchor_->loop != nullptr &&
        (buffer_.size() <= limit_ || wait_ != nullptr)) {
        anchor_->loop->machine().at_turn_end(*this);
    }
}

void Intake::end_turn() noexcept {
    if (fd_ < 0) {
        full_ = false;
        fed_out();
        return;
    }
    if (in_flight() || bypassed_ || is_over()) {
        return;
    }
    retain();  // the request's
    if (bulk_) {
        receive_what_is_there();
    }
    if (is_over() || buffer_.size() > limit_) {
        release();
        return;
    }
    bulk_ = false;
    resubmit();
}

// One receive as large as the reader's would have been. When nothing is there the sender is not
// faster any more.
void Intake::receive_what_is_there() noexcept {
    bulk_ = false;
    if (!anchor_->loop->machine().take_immediate_budget()) {
        return;
    }
    single_ = true;
    try {
        prepare_single();
    } catch (...) {
        fail(ENOMEM);
        return;
    }
    const int result = anchor_->loop->machine().ring().try_now(*this);
    commit_single(result);
    if (result == 0) {
        end_by_peer();
    } else if (result < 0 && result != -EAGAIN && result != -EINTR) {
        fail(-result);
    }
    buffer_.release_memory();
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
        taken();
        return;
    }
    loan_.remove_prefix(size);
    if (loan_.empty()) {
        recycle_loan();
    } else {
        copy_aside();
    }
}

// Bytes that were copied aside were taken.
void Intake::taken() noexcept {
    if (!bulk_) {
        buffer_.release_memory();
    }
    go_on();
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
    return {pool_.get(), loan_id_, std::exchange(loan_, {})};
}

ReadBuffer Intake::take_buffer() {
    ReadBuffer bytes;
    if (buffer_.is_pinned()) {
        bytes.append(buffer_.data());
        buffer_.consume(buffer_.size());
    } else {
        std::swap(bytes, buffer_);
    }
    taken();
    return bytes;
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
        pause();
    }
}

void Intake::pause() noexcept {
    bulk_ = true;
    pausing_ = pausing_ || (in_flight() && !stopping_);
    cancel();
}

void Intake::feed(std::string_view bytes) {
    buffer_.append(bytes);
    full_ = full_ || buffer_.size() > 2 * limit_;
    if (!bytes.empty()) {
        wake_reader();
    }
}

void Intake::feed_end() noexcept {
    end_by_peer();
    wake_reader();
}

void Intake::cancel() noexcept {
    if (in_flight() && anchor_->loop != nullptr) {
        anchor_->loop->machine().ring().cancel(*this);
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
    if (in_flight()) {
        return false;
    }
    wake_reader();
    return true;
}

}  // namespace ringio::detail

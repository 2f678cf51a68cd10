#include <ringio/io/intake.hpp>

#include <ringio/base/scope_exit.hpp>
#include <ringio/core/loop_books.hpp>

#include <algorithm>
#include <cerrno>
#include <new>
#include <stdexcept>

namespace ringio::detail {

Intake::Intake(EventLoop& loop, int fd, std::size_t limit, Medium medium) noexcept
    : anchor_(loop.machine().anchor()), fd_(fd), limit_(limit), medium_(medium) {
    loop.machine().books().stream_descriptors.insert(fd);
}

Intake::~Intake() { recycle_loan(); }

void Intake::leave_descriptor() noexcept {
    if (anchor_->loop != nullptr) {
        anchor_->loop->machine().books().stream_descriptors.erase(fd_);
    }
}

void Intake::begin_read(std::coroutine_handle<> coroutine) {
    TaskStateBase& task = running_task();
    if (anchor_->loop != running_loop) [[unlikely]] {
        throw std::runtime_error(
            "a connection is read by a task of another event loop than its own, or that is closed");
    }
    end_loan();
    if (!in_flight()) [[unlikely]] {
        receive_for_reader();
    }
    reader_ = Reader::waiting;
    task_ = &task;
    task.suspend(coroutine, *this);
}

void Intake::receive_for_reader() {
    begin();
    if (fd_ >= 0) {
        retain();
        try {
            submit();
        } catch (...) {
            release();
            throw;
        }
    } else if (phase_ == Phase::pausing) {
        schedule();
    }
}

void Intake::throw_cancelled() {
    static_cast<void>(task_->take_cancellation());
    take_back();
    end_loan();
    task_->throw_cancelled();
}

bool Intake::cancel(const std::string&) noexcept {
    if (reader_ != Reader::waiting) {
        return false;
    }
    reader_ = Reader::cancelled;
    task_->wake();
    return true;
}

RINGIO_FLATTEN void Intake::complete(int result, std::uint32_t flags) noexcept {
    if (BufferPool::comes_with(flags) && kind_ == Kind::multishot) [[likely]] {
        const unsigned id = BufferPool::id_of(flags);
        if (is_awaited() && result > 0 && buffer_.empty()) [[likely]] {
            lend(id, static_cast<std::size_t>(result));
        } else {
            keep(id, result);
        }
    }
    if (!in_flight()) [[unlikely]] {
        on_terminal(result);
    }
}

// There is no other loan while a reader waits. A layer takes it at once, or has it copied aside.
void Intake::lend(unsigned id, std::size_t size) noexcept {
    loan_ = pool_->borrow(id, size);
    loan_id_ = id;
    const bool is_for_layer = reader_ == Reader::standing;
    wake_reader();
    if (is_for_layer) [[unlikely]] {
        end_loan();
    }
}

void Intake::keep(unsigned id, int result) noexcept {
    const std::string_view bytes =
        pool_->borrow(id, result > 0 ? static_cast<std::size_t>(result) : 0);
    end_loan();
    append(bytes);
    pool_->recycle(id);
    if (!bytes.empty()) {
        wake_reader();
    }
}

void Intake::on_terminal(int result) noexcept {
    const bool paused = phase_ == Phase::pausing;
    if (paused) {
        phase_ = Phase::receiving;
    }
    if (kind_ == Kind::single) {
        result = meaning_of(result);
        commit_single(result);
    }
    bool starved = false;
    if (result == 0) {
        end_by_peer();
    } else if (result == -ENOBUFS && kind_ == Kind::multishot) {
        starved = true;
    } else if (result == -ECANCELED) {
        if (!paused && phase_ != Phase::resting) {
            phase_ = Phase::stopped;  // perhaps nobody asked: the loop closes
        }
    } else if (result < 0 && result != -EINTR && phase_ != Phase::stopped) {
        fail(-result);
    }
    if (outcome_ != Outcome::open || phase_ == Phase::resting) {
        wake_reader();
    }
    if (phase_ != Phase::stopped && phase_ != Phase::resting && wants_more()) {
        if (starved && !bulk_) {
            anchor_->loop->machine().ring().submit_starved(*this);
        } else {
            resubmit();
        }
        return;
    }
    if (phase_ == Phase::stopped) {
        request_ended();
    } else {
        go_on();
    }
    release();
}

void Intake::end_by_peer() noexcept {
    if (outcome_ != Outcome::failed) {
        outcome_ = Outcome::ended_by_peer;
    }
}

bool Intake::wants_more() const noexcept {
    return outcome_ == Outcome::open && (is_awaited() || (kind_ == Kind::multishot && !bulk_));
}

// A reader mostly comes back in the same turn, and then says best what to ask for.
void Intake::go_on() noexcept {
    const bool idle = fd_ < 0 ? phase_ == Phase::pausing : phase_ != Phase::fresh && !in_flight();
    if (idle && (buffer_.size() <= limit_ || has_reader())) {
        schedule();
    }
}

void Intake::schedule() noexcept {
    if (!is_over() && anchor_->loop != nullptr) {
        anchor_->loop->machine().at_turn_end(*this);
    }
}

void Intake::end_turn() noexcept {
    if (fd_ < 0) {
        if (is_full()) {
            phase_ = Phase::receiving;
        }
        fed_out();
        return;
    }
    if (in_flight() || is_bypassed() || is_over()) {
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

void Intake::consume(std::size_t size) noexcept {
    if (loan_.data() == nullptr) {
        buffer_.consume(size);
        taken();
    } else if (size == loan_.size()) [[likely]] {
        recycle_loan();
    } else {
        loan_.remove_prefix(size);
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
    const ScopeExit done([this] { end_loan(); });  // also when there is no memory for the text
    std::string bytes(data().substr(0, size));
    consume(bytes.size());
    return bytes;
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
    if (outcome_ == Outcome::failed) {
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
    if (phase_ == Phase::receiving && in_flight()) {
        phase_ = Phase::pausing;
    }
    cancel_request();
}

void Intake::feed(std::string_view bytes) {
    buffer_.append(bytes);
    came(bytes.size());
}

std::span<char> Intake::feed_space(std::size_t size) {
    const bool is_waited_for = reader_ == Reader::waiting || reader_ == Reader::woken;
    if (memory_ != nullptr && is_waited_for && buffer_.empty() && !memory_->free().empty()) {
        return memory_->free();
    }
    return buffer_.prepare(size).first(size);
}

void Intake::fed(std::span<const char> bytes) noexcept {
    const bool is_lent =
        memory_ != nullptr && !memory_->free().empty() && bytes.data() == memory_->free().data();
    if (is_lent) {
        memory_->size += bytes.size();
    } else {
        buffer_.commit(bytes.size());
    }
    came(bytes.size());
}

// Without memory the stream fails: bytes would be missing.
void Intake::take_back() noexcept {
    if (!has_filled_memory()) {
        return;
    }
    try {
        ReadBuffer all;
        all.append({memory_->space.data(), memory_->size});
        all.append(buffer_.data());
        std::swap(buffer_, all);
    } catch (const std::bad_alloc&) {
        fail(ENOMEM);
    }
}

// Only with news for who waits: he has said that there is room, and says so again when he wakes.
void Intake::came(std::size_t size) noexcept {
    if (size == 0) {
        buffer_.release_memory();
        return;
    }
    const bool fills_memory = memory_ != nullptr && memory_->free().empty();
    if ((fills_memory || buffer_.size() > 2 * limit_) && phase_ != Phase::stopped) {
        phase_ = Phase::pausing;
    }
    wake_reader();
}

void Intake::feed_end() noexcept {
    end_by_peer();
    wake_reader();
}

void Intake::rest() noexcept {
    if (phase_ != Phase::stopped) {
        phase_ = Phase::resting;
    }
    cancel_request();
}

void Intake::end_rest() noexcept {
    if (phase_ == Phase::resting) {
        phase_ = Phase::receiving;
        go_on();
    }
}

ReadBuffer Intake::give_up_descriptor() noexcept {
    end_loan();
    TurnEnd::unlink();
    leave_descriptor();
    fd_ = -1;
    phase_ = Phase::receiving;
    outcome_ = Outcome::open;
    bulk_ = false;
    return std::exchange(buffer_, ReadBuffer());
}

void Intake::cancel_request() noexcept {
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
    outcome_ = Outcome::failed;
    cancel_request();
    failed(error);
}

bool Intake::stop() noexcept {
    phase_ = Phase::stopped;
    cancel_request();
    if (in_flight()) {
        return false;
    }
    wake_reader();
    return true;
}

}  // namespace ringio::detail

#include <ringio/streams/stream_state.hpp>

#include <ringio/ring/socket_requests.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace ringio::detail {
namespace {

constexpr std::size_t write_through_min = 2 * 1024;     // below this, a copy is cheaper than a call
constexpr std::size_t spare_capacity_max = 256 * 1024;  // kept by an idle writer

void empty(std::string& buffer) noexcept {
    buffer.clear();
    if (buffer.capacity() > spare_capacity_max) [[unlikely]] {
        std::string().swap(buffer);
    }
}

}  // namespace

void SendOperation::prepare(io_uring_sqe& sqe) noexcept {
    const std::string_view rest = std::string_view(stream_.sending_).substr(stream_.sent_);
    SendRequest{.fd = stream_.socket_.fd(), .buffer = rest.data(), .size = rest.size()}.prepare(
        sqe);
}

void SendOperation::complete(int result, std::uint32_t) noexcept {
    const IntrusivePtr<StreamState> in_flight(&stream_, adopt);
    stream_.on_sent(result);
}

StreamState::StreamState(EventLoop& loop, Socket socket, std::string peer, std::size_t limit)
    : anchor_(loop.anchor()),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      intake_(*this, loop, socket_.fd(), limit),
      flush_at_turn_end_(*this),
      send_(*this),
      limit_(limit) {}

StreamState::~StreamState() {
    if (!closed_ && owner_ != nullptr) {
        owner_->connection_closed(*this);
    }
}

void StreamState::retire() noexcept { delete this; }

void StreamIntake::retain() noexcept { intrusive_add_ref(&stream_); }

void StreamIntake::release() noexcept { intrusive_release(&stream_); }

void StreamIntake::failed(int error) noexcept { stream_.fail(error, "recv from "); }

void StreamIntake::request_ended() noexcept {
    wake_reader();
    if (stream_.closing_) {
        stream_.finish_close();
    }
}

void FlushAtTurnEnd::end_turn() noexcept { stream_.flush(); }

void FillAwaiter::await_resume() {
    IntakeWait::await_resume();
    stream_.throw_failure_to_reader();
}

DirectFillAwaiter::DirectFillAwaiter(StreamState& stream, std::span<char> target) noexcept
    : RequestWait({.fd = stream.socket_.fd(), .buffer = target.data(), .size = target.size()}),
      stream_(&stream),
      space_(target.size()) {
    stream.receiving_directly_ = true;
}

DirectFillAwaiter::~DirectFillAwaiter() {
    stream_->receiving_directly_ = false;
    if (stream_->closing_) {
        stream_->finish_close();
    }
}

std::size_t DirectFillAwaiter::await_resume() { return stream_->received_directly(take(), space_); }

void StreamState::refuse_to_read(const char* reader) const {
    if (receiving_directly_ || intake_.has_reader()) {
        throw std::runtime_error(std::string(reader) +
                                 "() called while another coroutine is already waiting for "
                                 "incoming data");
    }
    throw_failure();
    throw std::runtime_error(std::string(reader) + "() on the stream to " + peer_ +
                             ", which was closed");
}

std::size_t StreamState::received_directly(int result, std::size_t space) {
    if (result < 0) {
        fail(-result, "recv from ");
        throw_failure();
    }
    const auto size = static_cast<std::size_t>(result);
    intake_.note_bulk(size, space);
    if (size == 0) {
        intake_.set_at_end();
    }
    throw_failure();  // of a send meanwhile, which made this receive end
    return size;
}

void StreamState::write(std::string_view data) {
    if (write_end_wanted_) {
        throw std::runtime_error("Cannot call write() after write_eof()");
    }
    if (closing_) {
        return;  // as in asyncio, what is written to a closed or lost connection is dropped
    }
    if (data.size() >= write_through_min && pending_bytes() == 0 && !send_.in_flight()) {
        data.remove_prefix(send_at_once(data));
    }
    if (data.empty() || closing_) {
        return;
    }
    outgoing_.append(data);
    if (pending_bytes() > high_water_) {
        paused_ = true;
    }
    schedule_flush();
}

void StreamState::write_end() {
    if (closing_ || write_end_wanted_) {
        return;
    }
    write_end_wanted_ = true;
    schedule_flush();
}

void StreamState::schedule_flush() noexcept {
    if (anchor_->loop != nullptr) {
        anchor_->loop->at_turn_end(flush_at_turn_end_);
    }
}

// Sends what the kernel has room for, straight from the caller's memory; returns how much.
std::size_t StreamState::send_at_once(std::string_view data) noexcept {
    EventLoop* loop = anchor_->loop;
    std::size_t sent = 0;
    while (sent < data.size() && loop != nullptr && loop->take_immediate_budget()) {
        const std::string_view rest = data.substr(sent);
        const int result = loop->ring().try_now(
            SendRequest{.fd = socket_.fd(), .buffer = rest.data(), .size = rest.size()});
        if (result == -EAGAIN) {
            break;
        }
        if (result < 0) {
            fail(-result, "send to ");
            break;
        }
        sent += static_cast<std::size_t>(result);
    }
    return sent;
}

void StreamState::flush() noexcept {
    flush_at_turn_end_.unlink();
    if (send_.in_flight() || closed_) {
        return;
    }
    if (!outgoing_.empty()) {
        const std::size_t sent = send_at_once(outgoing_);
        if (aborted_) {
            return;
        }
        if (sent == outgoing_.size()) {
            empty(outgoing_);
        } else {
            sending_.swap(outgoing_);
            sent_ = sent;
            submit_rest();
        }
    }
    after_send();
}

void StreamState::on_sent(int result) noexcept {
    if (aborted_ || result == -ECANCELED) {  // the latter when the loop closes
        closing_ = true;
        drop_output();
        finish_close();
        return;
    }
    if (result == -EINTR) {
        result = 0;
    }
    if (result < 0) {
        fail(-result, "send to ");
        return;
    }
    sent_ += static_cast<std::size_t>(result);
    if (sent_ < sending_.size()) {
        submit_rest();
        after_send();
    } else {
        sent_ = 0;
        empty(sending_);
        flush();
    }
}

void StreamState::after_send() noexcept {
    resume_writers();
    if (pending_bytes() > 0) {
        return;
    }
    if (write_end_wanted_ && !closing_) {
        socket_.shutdown(SHUT_WR);
    }
    if (closing_) {
        finish_close();
    }
}

void StreamState::submit_rest() noexcept {
    if (!send_.in_flight() && anchor_->loop != nullptr) {
        intrusive_add_ref(this);  // the request's
        anchor_->loop->ring().submit(send_);
    }
}

void StreamState::set_water_marks(std::size_t high, std::size_t low) {
    high_water_ = high;
    low_water_ = low;
    if (pending_bytes() > high_water_) {
        paused_ = true;
    } else {
        resume_writers();
    }
}

void StreamState::resume_writers() noexcept {
    if (paused_ && pending_bytes() <= low_water_) {
        paused_ = false;
        wake(drains_);
    }
}

Future<> StreamState::resumed() {
    Promise<> promise = get_running_loop().create_future<void>();
    drains_.push_back(promise);
    return promise.get_future();
}

void StreamState::wake(std::vector<Promise<>>& waiters) noexcept {
    for (Promise<>& waiter : std::exchange(waiters, {})) {
        if (!waiter.done()) {
            waiter.set_result();
        }
    }
}

void StreamState::release_handle() noexcept {
    if (--handles_ == 0 && !closing_) {
        close();
    }
}

void StreamState::close() noexcept {
    if (closing_) {
        return;
    }
    closing_ = true;
    if (pending_bytes() > 0 && !send_.in_flight()) {
        flush();
    } else if (pending_bytes() == 0) {
        finish_close();
    }
}

void StreamState::abort() noexcept {
    closing_ = true;
    aborted_ = true;
    if (send_.in_flight()) {
        if (anchor_->loop != nullptr) {
            anchor_->loop->ring().cancel(send_);
        }
        return;
    }
    drop_output();
    finish_close();
}

void StreamState::drop_output() noexcept {
    outgoing_.clear();
    sending_.clear();
    sent_ = 0;
}

void StreamState::fail(int error, const char* what) noexcept {
    if (!failure_) {
        failure_ =
            std::make_exception_ptr(std::system_error(error, std::system_category(), what + peer_));
    }
    abort();
}

// The descriptor is given back when no request names it any more: a receive is made to end first.
void StreamState::finish_close() noexcept {
    if (closed_ || send_.in_flight()) {
        return;
    }
    if (receiving_directly_) {
        socket_.shutdown(SHUT_RD);
        return;
    }
    if (intake_.has_reader() && !failure_) {
        intake_.set_at_end();  // being closed is the end of the stream for the one who waits
    }
    if (!intake_.stop()) {
        return;
    }
    closed_ = true;
    paused_ = false;
    socket_.close();
    if (owner_ != nullptr) {
        std::exchange(owner_, nullptr)->connection_closed(*this);
    }
    wake(drains_);
    wake(close_waiters_);
}

void StreamState::throw_lost() const {
    throw std::system_error(ECONNRESET, std::system_category(), "Connection lost to " + peer_);
}

Future<> StreamState::when_closed() {
    Promise<> promise = get_running_loop().create_future<void>();
    if (closed_) {
        promise.set_result();
    } else {
        close_waiters_.push_back(promise);
    }
    return promise.get_future();
}

}  // namespace ringio::detail

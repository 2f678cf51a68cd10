#include <ringio/streams/stream_state.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace ringio::detail {

StreamState::StreamState(EventLoop& loop, Socket socket, std::string peer, std::size_t limit)
    : socket_(std::move(socket)),
      peer_(std::move(peer)),
      inbound_(*this, loop, socket_.fd(), limit),
      outbound_(*this, loop, socket_) {}

StreamState::~StreamState() {
    if (!closed_ && owner_ != nullptr) {
        owner_->connection_closed(*this);
    }
}

void StreamState::retire() noexcept { delete this; }

void StreamState::release_handle() noexcept {
    if (--handles_ == 0 && !closing_) {
        close();
    }
}

void StreamState::begin_close() noexcept {
    closing_ = true;
    inbound_.refuse();
}

void StreamState::close() noexcept {
    if (closing_) {
        return;
    }
    begin_close();
    if (outbound_.pending_bytes() == 0) {
        finish_close();
    } else if (!outbound_.in_flight()) {
        outbound_.flush();
    }
}

void StreamState::abort() noexcept {
    begin_close();
    if (outbound_.abort()) {
        finish_close();
    }
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
    if (closed_ || outbound_.in_flight()) {
        return;
    }
    if (inbound_.receives_directly()) {
        socket_.shutdown(SHUT_RD);
        return;
    }
    if (inbound_.has_reader() && !failure_) {
        inbound_.set_at_end();  // being closed is the end of the stream for the one who waits
    }
    if (!inbound_.stop()) {
        return;
    }
    closed_ = true;
    socket_.close();
    if (owner_ != nullptr) {
        std::exchange(owner_, nullptr)->connection_closed(*this);
    }
    outbound_.close();
    wake_all(close_waiters_);
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

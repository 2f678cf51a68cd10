#include "socket_poll.hpp"

#include "curl_multi.hpp"

#include <ringio/ring/control_requests.hpp>

#include <cerrno>
#include <utility>

namespace ringio::http::detail {

CurlSocket::CurlSocket(CurlMulti& of, int number) noexcept : multi(&of), fd(number) {
    multi->socket_made();
}

CurlSocket::~CurlSocket() {
    closing.reset();
    multi->socket_gone();
}

// Not inline: g++ 12 would see a second release behind a delete, and warn of that.
void intrusive_release(CurlSocket* socket) noexcept {
    if (--socket->references == 0) {
        delete socket;
    }
}

void CurlSocket::end_wait() noexcept {
    if (const auto ended = std::exchange(poll, nullptr)) {
        ended->drop();
    }
}

void SocketPoll::arm() noexcept {
    intrusive_add_ref(this);
    loop_.machine().ring().submit(*this);
}

// A request that the kernel has not seen yet never gets there: Ring::cancel().
void SocketPoll::drop() noexcept {
    is_dropped_ = true;
    if (in_flight()) {
        loop_.machine().ring().cancel(*this);
    }
}

void SocketPoll::prepare(io_uring_sqe& sqe) noexcept {
    PollRequest{.fd = socket_->fd, .mask = static_cast<unsigned>(events_)}.prepare(sqe);
}

void SocketPoll::complete(int result, std::uint32_t) noexcept {
    const IntrusivePtr<SocketPoll> kept(this, adopt);  // by the kernel until now
    if (is_dropped_ || result == -ECANCELED) {
        return;
    }
    result_ = result < 0 ? 0 : result;  // libcurl looks for itself then
    is_queued_ = true;
    intrusive_add_ref(this);
    loop_.machine().schedule_here(*this);
}

void SocketPoll::run() {
    const IntrusivePtr<SocketPoll> queued(this, adopt);
    is_queued_ = false;
    if (!is_dropped_) {
        socket_->multi->on_ready(*socket_, result_);
    }
}

std::string SocketPoll::repr() const { return "<Handle of a socket of libcurl>"; }

}  // namespace ringio::http::detail

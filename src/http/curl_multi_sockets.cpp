// What libcurl waits for: its sockets, and the polls that watch them.
#include "curl_multi.hpp"

#include <ringio/base/system_calls.hpp>
#include <ringio/core/report.hpp>

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

namespace ringio::http::detail {
namespace {

constexpr unsigned spinning_rounds = 1000;
constexpr std::chrono::seconds spinning_time{1};
constexpr std::chrono::milliseconds spinning_pause{10};

int action_of(int events) noexcept {
    return ((events & (POLLIN | POLLHUP)) != 0 ? CURL_CSELECT_IN : 0) |
           ((events & POLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
           ((events & POLLERR) != 0 ? CURL_CSELECT_ERR : 0);
}

}  // namespace

// It may be a handle of libcurl's own.
void CurlMulti::tell_unwatched(const CURL* easy) const noexcept {
    for (const auto& transfer : running_) {
        if (transfer->easy() == easy) {
            transfer->on_unwatched();
            return;
        }
    }
}

int CurlMulti::on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void*) noexcept {
    const int events =
        ((what & CURL_POLL_IN) != 0 ? POLLIN : 0) | ((what & CURL_POLL_OUT) != 0 ? POLLOUT : 0);
    auto& multi = *static_cast<CurlMulti*>(self);
    if (what == CURL_POLL_REMOVE) {
        multi.tell_unwatched(easy);
    }
    try {
        multi.want(fd, events);
        return 0;
    } catch (const std::bad_alloc&) {
        return -1;
    }
}

void CurlMulti::want(curl_socket_t fd, int events) {
    const auto found = sockets_.find(fd);
    if (found == sockets_.end() && events == 0) {
        return;
    }
    IntrusivePtr<CurlSocket> socket = found != sockets_.end()
                                          ? found->second
                                          : IntrusivePtr<CurlSocket>(new CurlSocket(*this, fd));
    if (found == sockets_.end()) {
        sockets_.emplace(fd, socket);
    }
    note_progress();
    socket->wanted = events;
    if (events == 0) {
        socket->end_wait();  // it may be closed without a word, and its number be another's then
    } else if (!socket->is_changed) {
        changed_.push_back(socket);
        socket->is_changed = true;
    }
}

void CurlMulti::arm_polls() {
    while (!changed_.empty()) {
        const IntrusivePtr<CurlSocket> socket = changed_.back();
        arm_poll(*socket);
        socket->is_changed = false;
        changed_.pop_back();
    }
}

void CurlMulti::arm_poll(CurlSocket& socket) {
    if (socket.poll && socket.poll->events() != socket.wanted) {
        socket.end_wait();
    }
    if (socket.wanted == 0 || socket.closing) {
        return;
    }
    if (!socket.poll) {
        socket.poll = IntrusivePtr<SocketPoll>(new SocketPoll(loop_, socket, socket.wanted));
    }
    if (socket.poll->is_idle()) {
        socket.poll->arm();
    }
}

void CurlMulti::on_ready(CurlSocket& socket, int events) noexcept {
    const IntrusivePtr<CurlMulti> kept_multi(this);
    const IntrusivePtr<CurlSocket> kept(&socket);
    if (multi_ == nullptr) {
        return;
    }
    const std::size_t before = progress_;
    const bool was_refused = socket.wanted == POLLOUT && (events & (POLLERR | POLLHUP)) != 0;
    act(socket.fd, action_of(events));
    if (was_refused && socket.closing) {
        act_on_all();
    }
    const bool is_over = socket.wanted == 0 || socket.closing || multi_ == nullptr;
    if (progress_ != before || is_over) {
        socket.idle_rounds = 0;
    } else if (is_spinning(socket)) {
        report_spinning(socket);
        try {
            loop_.call_later(spinning_pause, [kept] {
                if (kept->poll && kept->poll->is_idle()) {
                    kept->poll->arm();
                }
            });
            return;
        } catch (const std::bad_alloc&) {
            socket.idle_rounds = 0;
        }
    }
    if (!is_over) {
        try {
            arm_poll(socket);
        } catch (const std::bad_alloc&) {
            after_curl(CURLM_OUT_OF_MEMORY);
        }
    }
}

// A thousand answers in a second to which libcurl did nothing.
bool CurlMulti::is_spinning(CurlSocket& socket) noexcept {
    const EventLoop::TimePoint now = loop_.time();
    if (socket.idle_rounds == 0 || now - socket.idle_since > spinning_time) {
        if (socket.idle_rounds >= spinning_rounds) {
            return true;  // since it was found to: it is looked at a hundred times in a second
        }
        socket.idle_rounds = 0;
        socket.idle_since = now;
    }
    return ++socket.idle_rounds >= spinning_rounds;
}

// What comes for a stream of HTTP/2 that nobody reads stays in the socket.
bool CurlMulti::is_any_paused() const noexcept {
    return std::ranges::any_of(running_, [](const auto& each) { return each->is_paused(); });
}

void CurlMulti::report_spinning(const CurlSocket& socket) noexcept {
    if (socket.idle_rounds != spinning_rounds || is_any_paused()) {
        return;
    }
    constexpr const char* message = "libcurl does nothing with a socket that is ready";
    ringio::detail::report(&loop_, message, nullptr, [&] {
        return ExceptionContext{.message = message,
                                .exception = nullptr,
                                .details = {{"fd", std::to_string(socket.fd)},
                                            {"remedy", "it is looked at every 10 ms from now on"}}};
    });
}

curl_socket_t CurlMulti::open_socket(const curl_sockaddr& address) noexcept {
    return ringio::detail::system_calls->socket(address.family, address.socktype | SOCK_CLOEXEC,
                                                address.protocol);
}

int CurlMulti::close_socket(void* self, curl_socket_t fd) {
    CurlMulti& multi = *static_cast<CurlMulti*>(self);
    UniqueFd closing(fd);
    const auto found = multi.sockets_.find(fd);
    if (found != multi.sockets_.end()) {
        const IntrusivePtr<CurlSocket> socket = found->second;
        multi.sockets_.erase(found);
        socket->wanted = 0;
        socket->closing = std::move(closing);
        socket->end_wait();
    }
    return 0;
}

void CurlMulti::socket_made() noexcept {
    intrusive_add_ref(this);
    ++socket_count_;
}

void CurlMulti::socket_gone() noexcept {
    if (--socket_count_ == 0 && all_closed_ && !all_closed_->done()) {
        all_closed_->set_result();
    }
    intrusive_release(this);
}

Future<> CurlMulti::closed_descriptors() {
    all_closed_ = loop_.create_future<>();
    if (socket_count_ == 0) {
        all_closed_->set_result();
    }
    return all_closed_->get_future();
}

void CurlMulti::forget_sockets() noexcept {
    changed_.clear();
    for (const auto& [fd, socket] : std::exchange(sockets_, {})) {
        socket->wanted = 0;
        socket->end_wait();
    }
}

}  // namespace ringio::http::detail

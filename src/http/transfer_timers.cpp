// The deadlines of an exchange, on the loop's clock: of all of it, of its connection, between two
// pieces of its answer.
#include "transfer.hpp"

#include <ringio/http/errors.hpp>

#include <fmt/core.h>

#include <algorithm>

namespace ringio::http::detail {

std::optional<EventLoop::TimePoint> Transfer::connect_deadline() const noexcept {
    const std::optional<Delay> limit = limit_of(exchange_.timeout.connect);
    return limit ? std::optional(began_ + limit->value()) : std::nullopt;
}

void Transfer::arm_total_timer() {
    if (exchange_.deadline) {
        total_timer_ = session_->loop().call_at(
            *exchange_.deadline, [this] { abort(std::make_exception_ptr(TimeoutError())); });
    }
}

void Transfer::arm_connect_timer() {
    std::optional<EventLoop::TimePoint> deadline = connect_deadline();
    if (const std::optional<Delay> limit = limit_of(exchange_.timeout.sock_connect)) {
        const EventLoop::TimePoint end = session_->loop().time() + limit->value();
        deadline = deadline ? std::min(*deadline, end) : end;
    }
    if (deadline && connections_ == 0) {
        connect_timer_ = session_->loop().call_at(*deadline, [this] {
            abort(std::make_exception_ptr(ConnectionTimeoutError(
                fmt::format("Connection timeout to host {}", exchange_.url.to_string()))));
        });
    }
}

void Transfer::arm_read_timer() {
    if (const std::optional<Delay> limit = limit_of(exchange_.timeout.sock_read)) {
        last_activity_ = session_->loop().time();
        read_timer_ = session_->loop().call_later(*limit, [this] { on_read_timer(); });
    }
}

void Transfer::note_activity() noexcept { last_activity_ = session_->loop().time(); }

// Armed once for many pieces: when it fires it sees how long it really was.
void Transfer::on_read_timer() noexcept {
    try {
        const std::chrono::nanoseconds limit = exchange_.timeout.sock_read->value();
        const bool is_ours = is_paused_ || is_send_paused_;  // the server waits for us
        if (is_ours) {
            note_activity();
        }
        const EventLoop::TimePoint end = last_activity_ + limit;
        if (session_->loop().time() >= end) {
            abort(
                std::make_exception_ptr(SocketTimeoutError("Timeout on reading data from socket")));
        } else {
            read_timer_ = session_->loop().call_at(end, [this] { on_read_timer(); });
        }
    } catch (...) {
        abort(std::current_exception());
    }
}

}  // namespace ringio::http::detail

// The deadlines of an exchange, on the loop's clock: of all of it, of its connection, between two
// pieces of its answer.
#include "transfer.hpp"

#include <ringio/http/errors.hpp>

#include <fmt/core.h>

#include <algorithm>

namespace ringio::http::detail {

std::optional<EventLoop::TimePoint> Transfer::connect_deadline() const noexcept {
    const std::optional<Delay> limit = limit_of(exchange_->timeout.connect);
    return limit ? std::optional(began_ + limit->value()) : std::nullopt;
}

std::optional<EventLoop::TimePoint> Transfer::socket_deadline() const noexcept {
    if (connections_ == 0) {
        return connect_end_;
    }
    const std::optional<Delay> limit = limit_of(exchange_->timeout.sock_read);
    return limit ? std::optional(last_activity_ + limit->value()) : std::nullopt;
}

void Transfer::begin_time() {
    connect_end_ = connect_deadline();
    if (const std::optional<Delay> limit = limit_of(exchange_->timeout.sock_connect)) {
        const EventLoop::TimePoint end = session_->loop().time() + limit->value();
        connect_end_ = std::min(end, connect_end_.value_or(end));
    }
    arm_timer();
}

void Transfer::arm_timer() {
    std::optional<EventLoop::TimePoint> end = socket_deadline();
    if (exchange_->deadline) {
        end = std::min(*exchange_->deadline, end.value_or(*exchange_->deadline));
    }
    if (end) {
        timer_ = session_->loop().call_at(*end, [this] { on_timer(); });
    }
}

void Transfer::note_activity() noexcept {
    if (exchange_->timeout.sock_read) {
        last_activity_ = session_->loop().time();
    }
}

// The deadline may have moved since it was armed: then it is armed again.
void Transfer::on_timer() noexcept {
    try {
        if (is_paused_ || is_send_paused_) {
            note_activity();  // the server waits for us
        }
        if (const std::exception_ptr why = why_late(session_->loop().time())) {
            abort(why);
        } else {
            arm_timer();
        }
    } catch (...) {
        abort(std::current_exception());
    }
}

std::exception_ptr Transfer::why_late(EventLoop::TimePoint now) const {
    if (exchange_->deadline && now >= *exchange_->deadline) {
        return std::make_exception_ptr(TimeoutError());
    }
    const std::optional<EventLoop::TimePoint> end = socket_deadline();
    if (!end || now < *end) {
        return nullptr;
    }
    if (connections_ == 0) {
        return std::make_exception_ptr(ConnectionTimeoutError(
            fmt::format("Connection timeout to host {}", exchange_->url.to_string())));
    }
    return std::make_exception_ptr(SocketTimeoutError("Timeout on reading data from socket"));
}

}  // namespace ringio::http::detail

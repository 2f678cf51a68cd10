// How TLS ends: by good-byes of both sides, by a failure, or because one of the streams goes.
#include "tls_session.hpp"

#include <ringio/core/exceptions.hpp>

#include <cerrno>
#include <chrono>
#include <new>
#include <system_error>
#include <utility>

namespace ringio::detail {
namespace {

using namespace std::chrono_literals;

constexpr Delay default_shutdown_timeout = 30s;  // asyncio's

bool is_truncation(unsigned long error) noexcept {
    return ERR_GET_LIB(error) == ERR_LIB_SSL &&
           ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

}  // namespace

void TlsSession::stream_closed() noexcept {
    const IntrusivePtr<TlsSession> keep(this);
    const IntrusivePtr<StreamState> upper(upper_);
    const bool was_open = phase_ == Phase::open || phase_ == Phase::shaking_hands;
    phase_ = Phase::over;
    timer_.cancel();
    keep_ = nullptr;
    if (upper) {
        if (const std::exception_ptr failure = lower_->failure(); failure && was_open) {
            upper->fail(failure);
        } else if (upper->closing()) {
            upper->far_side_ended();
        } else {
            upper->abort();
        }
    }
    shaken_.set();
}

bool TlsSession::finish(bool aborted) noexcept {
    const IntrusivePtr<TlsSession> keep(this);
    if (lower_->closed()) {
        return true;
    }
    if (aborted || phase_ == Phase::shaking_hands || anchor_->loop == nullptr || in_call_) {
        phase_ = Phase::over;
        timer_.cancel();
        shaken_.set();
        // One that is about to close for itself may say good-bye.
        if (!lower_->closing() || lower_->output().pending_bytes() > 0) {
            lower_->abort();
        }
    } else if (phase_ == Phase::open) {
        begin_shutdown();
    }
    return lower_->closed();
}

void TlsSession::begin_shutdown() noexcept {
    phase_ = Phase::shutting_down;
    call([](SSL* ssl) { return SSL_shutdown(ssl); });
    lower_->output().drain();
    if (lower_->closed()) {
        return;
    }
    if ((SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0) {
        end_below();
        return;
    }
    try {
        arm(request_.shutdown_timeout.value_or(default_shutdown_timeout), [](TlsSession& session) {
            session.fail(std::make_exception_ptr(TimeoutError("SSL shutdown timed out")));
        });
    } catch (const std::bad_alloc&) {
        end_below();
        return;
    }
    go_on();
}

void TlsSession::end_below() noexcept {
    keep_ = IntrusivePtr<StreamState>(upper_);
    phase_ = Phase::over;
    timer_.cancel();
    lower_->close();
}

void TlsSession::leave() noexcept {
    upper_ = nullptr;
    phase_ = Phase::over;
    timer_.cancel();
    shaken_.set();
    if (lower_) {
        lower_->set_layer(nullptr);
        lower_->input().stand_back();
        if (!lower_->closing() || lower_->output().pending_bytes() > 0) {
            lower_->abort();
        }
    }
}

void TlsSession::arm(Delay timeout, void (*expired)(TlsSession& session)) {
    timer_.cancel();
    timer_ =
        anchor_->loop->call_later(timeout, [session = IntrusivePtr<TlsSession>(this),
                                            upper = IntrusivePtr<StreamState>(upper_), expired] {
            if (!session->is_over()) {
                expired(*session);
            }
        });
}

void TlsSession::fail(const char* during) noexcept {
    if (lower_->failure()) {  // what OpenSSL says of it is of no use
        fail(lower_->failure());
        return;
    }
    const unsigned long error = last_error_;
    if (phase_ == Phase::shaking_hands && (error == 0 || is_truncation(error)) &&
        has_ended_below()) {
        try {
            fail(std::make_exception_ptr(
                std::system_error(ECONNRESET, std::system_category(),
                                  upper_->peer() + " ended the connection in the TLS handshake")));
        } catch (const std::bad_alloc&) {
            fail(std::current_exception());
        }
        return;
    }
    const FailedConnection failed{.ssl = ssl_.get(),
                                  .during = during,
                                  .in_handshake = phase_ == Phase::shaking_hands,
                                  .peer = &upper_->peer(),
                                  .host = &request_.server_hostname,
                                  .bad = &bad_};
    fail(make_tls_error(failed, error));
}

// The alert that says why is sent first, if that goes at once.
void TlsSession::fail(std::exception_ptr failure) noexcept {
    const IntrusivePtr<TlsSession> keep(this);
    const IntrusivePtr<StreamState> upper(upper_);
    phase_ = Phase::over;
    timer_.cancel();
    if (!lower_->closing()) {
        lower_->output().flush();
    }
    if (!lower_->closing() && lower_->output().pending_bytes() == 0) {
        lower_->close();
    }
    if (upper) {
        upper->fail(std::move(failure));
    }
    shaken_.set();
}

}  // namespace ringio::detail

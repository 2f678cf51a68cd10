#include "tls_session.hpp"

#include "stream_bio.hpp"

#include <ringio/ring/max_transfer.hpp>
#include <ringio/streams/tls_info.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <new>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace ringio::detail {
namespace {

using namespace std::chrono_literals;

constexpr Delay default_handshake_timeout = 60s;  // asyncio's

constexpr std::size_t record_size = 16 * 1024;  // of TLS, at most

// Of memory for what is decrypted: as much as came, lest it grow record by record.
constexpr std::size_t space_min = 256;
constexpr std::size_t space_max = 256 * 1024;

// Of what OpenSSL answers by itself (key updates, alerts), for a peer that reads nothing.
constexpr std::size_t answers_max = 256 * 1024;

/// The far side of the upper stream; the session itself is held by others, too.
class TlsFarSide final : public FarSide {
public:
    explicit TlsFarSide(IntrusivePtr<TlsSession> session) noexcept : session_(std::move(session)) {}
    TlsFarSide(const TlsFarSide&) = delete;
    TlsFarSide& operator=(const TlsFarSide&) = delete;
    ~TlsFarSide() override { session_->leave(); }

    int take(std::string_view bytes) noexcept override { return session_->take(bytes); }
    void take_end() noexcept override {}
    void go_on() noexcept override { session_->go_on(); }
    bool can_end() const noexcept override { return false; }
    bool is_congested() const noexcept override { return session_->is_congested(); }
    bool finish(bool aborted) noexcept override { return session_->finish(aborted); }
    const StreamState* lower() const noexcept override { return &session_->lower(); }
    bool describe(TlsInfo& info) const override {
        if (session_->has_shaken_hands()) {
            info = session_->describe();
        }
        return session_->has_shaken_hands();
    }
    bool stays() noexcept override {
        session_->leave();
        return true;
    }
    void serve(StreamState& upper) noexcept override { session_->serve(upper); }

private:
    IntrusivePtr<TlsSession> session_;
};

int session_index() noexcept {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

}  // namespace

TlsSession::TlsSession(EventLoop& loop, StreamState& upper, IntrusivePtr<TlsContextState> context,
                       TlsRequest request)
    : anchor_(loop.machine().anchor()),
      upper_(&upper),
      context_(std::move(context)),
      request_(std::move(request)),
      ssl_(context_->make_connection(request_)) {
    BIO* const bio = make_stream_bio(*this).release();
    SSL_set_bio(ssl_.get(), bio, bio);  // takes one reference where both are the same
    if (SSL_set_ex_data(ssl_.get(), session_index(), this) != 1) {
        throw std::bad_alloc();
    }
    ticket_sent_ = !context_->is_server();
    if (SessionCache* const sessions = context_->sessions()) {
        if (const SslSessionPtr session = sessions->take(session_key())) {
            SSL_set_session(ssl_.get(), session.get());
        }
    }
}

TlsSession::~TlsSession() = default;

TlsSession& TlsSession::of(const SSL& ssl) noexcept {
    return *static_cast<TlsSession*>(SSL_get_ex_data(&ssl, session_index()));
}

IntrusivePtr<TlsSession> TlsSession::insert(EventLoop& loop, StreamState& upper,
                                            IntrusivePtr<TlsContextState> context,
                                            TlsRequest request) {
    IntrusivePtr<TlsSession> session(
        new TlsSession(loop, upper, std::move(context), std::move(request)));
    auto far = std::make_unique<TlsFarSide>(session);
    session->lower_ = upper.split(loop, default_stream_limit);
    session->lower_->set_layer(session.get());
    upper.set_far_side(std::move(far));
    session->lower_->input().stand_by();
    return session;
}

Task<> TlsSession::shake_hands() {
    const IntrusivePtr<TlsSession> keep(this);
    arm(request_.handshake_timeout.value_or(default_handshake_timeout), [](TlsSession& session) {
        const Delay timeout =
            session.request_.handshake_timeout.value_or(default_handshake_timeout);
        const std::string text = fmt::format(
            "SSL handshake with {} is taking longer than {:.1f} seconds: aborting the connection",
            session.upper_->peer(), std::chrono::duration<double>(timeout.value()).count());
        session.fail(
            std::make_exception_ptr(std::system_error(ECONNABORTED, std::system_category(), text)));
    });
    pump();
    if (!shaken_.is_set()) {
        co_await shaken_.wait();
    }
}

// Only when OpenSSL has had all that it wants: what is left of a buffer of the ring is copied.
void TlsSession::take_consumed() noexcept {
    if (const std::size_t size = std::exchange(consumed_, 0); size > 0) {
        lower_->input().consume(size);
    }
}

std::size_t TlsSession::size_below() const noexcept { return lower_->input().size() - consumed_; }

bool TlsSession::has_ended_below() const noexcept {
    return size_below() == 0 && (lower_->input().at_end() || lower_->closing());
}

std::size_t TlsSession::read_below(char* target, std::size_t size) noexcept {
    const std::size_t copied = lower_->input().data().substr(consumed_).copy(target, size);
    consumed_ += copied;
    return copied;
}

// Without memory the connection cannot go on: a record would be missing.
bool TlsSession::write_below(std::string_view bytes) noexcept {
    StreamOutbound& output = lower_->output();
    if (const std::size_t pending = output.pending_bytes();
        pending > answers_max && pending - answers_max > output.high_water()) {
        ERR_raise(ERR_LIB_SSL, SSL_R_TOO_MANY_KEY_UPDATES);
        return false;
    }
    try {
        output.write(bytes);
    } catch (const std::bad_alloc&) {
        return false;
    }
    return !lower_->closing();
}

void TlsSession::pump() noexcept {
    if (pumping_ || in_call_) {
        look_again_ = true;
        return;
    }
    const IntrusivePtr<TlsSession> keep(this);
    const IntrusivePtr<StreamState> keep_upper(upper_);
    pumping_ = true;
    do {
        look_again_ = false;
        step();
        take_consumed();
    } while (look_again_ && !is_over());
    pumping_ = false;
    after_call();
    if (thrown_) {
        report_thrown(keep_upper->peer());
    }
}

// What was put off while OpenSSL was called. For a session ticket it makes both of its buffers, of
// 16 KiB each, and gives a buffer back with the next record that goes its way: when none does,
// never.
void TlsSession::after_call() noexcept {
    if (phase_ == Phase::open) {
        SSL_free_buffers(ssl_.get());
    }
    if (std::exchange(wants_room_, false) && !is_over()) {
        upper_->output().has_room();
    }
}

void TlsSession::step() noexcept {
    if (phase_ == Phase::shaking_hands) {
        advance_handshake();
    }
    if (phase_ == Phase::open) {
        receive();
    } else if (phase_ == Phase::shutting_down) {
        discard();
    }
}

void TlsSession::advance_handshake() noexcept {
    const int error = call([](SSL* ssl) { return SSL_do_handshake(ssl); });
    if (is_over()) {
        return;
    }
    if (error == SSL_ERROR_NONE) {
        phase_ = Phase::open;
        has_shaken_hands_ = true;
        timer_.cancel();
        shaken_.set();
        wants_room_ = true;  // for what was written meanwhile
    } else if (error != SSL_ERROR_WANT_READ) {
        fail("TLS handshake with ");
    }
}

// Decrypts into the upper input, as long as there is room in it.
void TlsSession::receive() noexcept {
    while (phase_ == Phase::open && upper_ != nullptr) {
        if (upper_->closing()) {
            discard();
            return;
        }
        if (!has_something_to_read()) {
            return;
        }
        if (upper_->input().is_full()) {
            lower_->input().stand_back();
            return;
        }
        if (!receive_piece(upper_->input())) {
            return;
        }
    }
}

bool TlsSession::has_something_to_read() const noexcept {
    return size_below() > 0 || SSL_has_pending(ssl_.get()) == 1 || has_ended_below();
}

bool TlsSession::receive_piece(StreamInbound& input) noexcept {
    const auto waiting = static_cast<std::size_t>(SSL_pending(ssl_.get())) + size_below();
    std::span<char> space;
    try {
        space = input.feed_space(std::clamp(waiting, space_min, space_max));
    } catch (const std::bad_alloc&) {
        fail(std::current_exception());
        return false;
    }
    std::size_t size = 0;
    const int error =
        call([&](SSL* ssl) { return SSL_read_ex(ssl, space.data(), space.size(), &size); });
    input.fed(space.first(size));  // the reader is woken; a layer above may end it all
    if (is_over() || error == SSL_ERROR_NONE) {
        return !is_over();
    }
    after_read(error);
    return false;
}

// Nobody reads any more: what comes is dropped until the peer's end.
void TlsSession::discard() noexcept {
    std::array<char, 4096> scratch;
    int error = SSL_ERROR_NONE;
    while (error == SSL_ERROR_NONE && !is_over()) {
        std::size_t size = 0;
        error =
            call([&](SSL* ssl) { return SSL_read_ex(ssl, scratch.data(), scratch.size(), &size); });
    }
    if (is_over()) {
        return;
    }
    if (phase_ == Phase::shutting_down) {
        if (error != SSL_ERROR_WANT_READ) {
            end_below();
        }
    } else if (error != SSL_ERROR_ZERO_RETURN) {
        after_read(error);
    }
}

void TlsSession::after_read(int error) noexcept {
    if (error == SSL_ERROR_ZERO_RETURN) {
        // As in asyncio, the end of one direction is the end of the connection, once all is sent.
        upper_->close_from_outside();
    } else if (error != SSL_ERROR_WANT_READ) {
        fail("TLS with ");
    }
}

// A client that writes and closes without reading would answer a ticket with a reset. With the
// first bytes of ours there is something that it reads.
void TlsSession::send_ticket() noexcept {
    ticket_sent_ = true;
    if (SSL_version(ssl_.get()) >= TLS1_3_VERSION) {
        SSL_new_session_ticket(ssl_.get());
    }
}

// Says whether more may be written below. If not, output_has_room() follows.
bool TlsSession::make_room_below() noexcept {
    if (is_congested()) {
        lower_->output().drain();
    }
    return !is_congested();
}

int TlsSession::take(std::string_view bytes) noexcept {
    if (in_call_ || phase_ == Phase::shaking_hands) {
        wants_room_ = true;
        return -EAGAIN;
    }
    if (phase_ != Phase::open) {
        return -EPIPE;
    }
    if (lower_->closing()) {
        fail("TLS with ");
        return -EPIPE;
    }
    const IntrusivePtr<TlsSession> keep(this);
    const IntrusivePtr<StreamState> keep_upper(upper_);
    bytes = bytes.substr(0, max_transfer);
    if (!ticket_sent_) {
        send_ticket();
    }
    std::size_t taken = 0;
    int error = SSL_ERROR_NONE;
    while (taken < bytes.size() && error == SSL_ERROR_NONE && !is_over() && make_room_below()) {
        const std::string_view piece = bytes.substr(taken, record_size);
        std::size_t written = 0;
        error =
            call([&](SSL* ssl) { return SSL_write_ex(ssl, piece.data(), piece.size(), &written); });
        taken += written;
    }
    if (is_over()) {
        return -EPIPE;
    }
    if (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ) {
        fail("TLS with ");
        return -EPIPE;
    }
    take_consumed();
    lower_->output().drain();
    if (look_again_) {
        pump();
    }
    after_call();
    return taken > 0 ? static_cast<int>(taken) : -EAGAIN;
}

void TlsSession::go_on() noexcept {
    if (phase_ != Phase::over) {
        lower_->input().stand_by();
        pump();
    }
}

void TlsSession::input_came() noexcept {
    if (lower_->input().is_stopped() && !lower_->closing()) {  // the loop closes
        const IntrusivePtr<TlsSession> keep(this);
        lower_->abort();
        return;
    }
    pump();
}

void TlsSession::output_has_room() noexcept {
    if (!is_over()) {
        upper_->output().has_room();
    }
}

}  // namespace ringio::detail

// TlsSession: TLS between two streams. Above it is the stream of the user, below the one that has
// the socket, and OpenSSL in the middle:
//
//   write(), drain() ─▶ take() ─▶ SSL_write ─▶ BIO ─▶ lower output ─▶ socket
//   read() ◀─ upper input ◀─ SSL_read ◀─ BIO ◀─ lower input ◀─ socket
#pragma once

#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/task.hpp>
#include <ringio/core/timers.hpp>
#include <ringio/streams/stream_state.hpp>
#include <ringio/sync/event.hpp>

#include "context_state.hpp"
#include "openssl.hpp"
#include "tls_failure.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace ringio::detail {

/// One connection under TLS. Counted: its stream's far side holds it, and timers do.
///
/// Legend: shaking hands -> open -> shutting down (our close_notify was sent, and the peer's is
/// awaited) -> over; or over at once, by a failure or an abort.
///
/// OpenSSL calls back into it to read and write the lower stream. While it is called, nothing else
/// calls it: what comes meanwhile is looked at afterwards.
class TlsSession final : public StreamLayer {
public:
    /// Puts itself between `upper` and what that was. *Errors*: std::bad_alloc; then the stream has
    /// failed.
    static IntrusivePtr<TlsSession> insert(EventLoop& loop, StreamState& upper,
                                           IntrusivePtr<TlsContextState> context,
                                           TlsRequest request);
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    /// Shakes hands. When it is over, and the stream has not failed, it is secure. *Errors*:
    /// std::bad_alloc.
    Task<> shake_hands();
    bool has_shaken_hands() const noexcept { return has_shaken_hands_; }

    // For the upper stream.

    int take(std::string_view bytes) noexcept;
    void go_on() noexcept;
    bool finish(bool aborted) noexcept;
    bool is_congested() const noexcept { return lower_->output().is_paused(); }
    const StreamState& lower() const noexcept { return *lower_; }
    TlsInfo describe() const;
    void serve(StreamState& upper) noexcept { upper_ = &upper; }
    /// The upper stream has let go of it.
    void leave() noexcept;

    // From the lower stream.

    void input_came() noexcept override;
    void output_has_room() noexcept override;
    void stream_closed() noexcept override;

    // For OpenSSL's callbacks.

    std::size_t read_below(char* target, std::size_t size) noexcept;
    bool has_ended_below() const noexcept;
    std::size_t size_below() const noexcept;
    bool write_below(std::string_view bytes) noexcept;
    void note_bad_certificate(X509_STORE_CTX& check) noexcept { bad_.note(check); }
    void keep_session(SslSessionPtr session) noexcept;
    static TlsSession& of(const SSL& ssl) noexcept;
    TlsContextState& context() noexcept { return *context_; }
    /// Goes on with another context, which SNI chose.
    void change_context(IntrusivePtr<TlsContextState> context) noexcept;
    /// What the function of .sni has thrown: it is reported after the call of OpenSSL.
    void keep_thrown(std::exception_ptr thrown) noexcept { thrown_ = std::move(thrown); }

    friend void intrusive_add_ref(TlsSession* session) noexcept { ++session->references_; }
    friend void intrusive_release(TlsSession* session) noexcept {
        if (--session->references_ == 0) {
            delete session;
        }
    }

private:
    enum class Phase : unsigned char { shaking_hands, open, shutting_down, over };

    TlsSession(EventLoop& loop, StreamState& upper, IntrusivePtr<TlsContextState> context,
               TlsRequest request);
    ~TlsSession();

    /// Calls OpenSSL; gives SSL_ERROR_*, and keeps what the thread's error queue says: nothing
    /// comes between the call and the look at it.
    template <class Call>
    int call(Call&& function) noexcept {
        forget_errors();
        in_call_ = true;
        const int result = function(ssl_.get());
        const int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), result);
        last_error_ = error == SSL_ERROR_NONE ? 0 : take_error();
        in_call_ = false;
        return error;
    }
    void pump() noexcept;
    void after_call() noexcept;
    void report_thrown(const std::string& peer) noexcept;
    void step() noexcept;
    void advance_handshake() noexcept;
    void receive() noexcept;
    bool receive_piece(StreamInbound& input) noexcept;
    void discard() noexcept;
    void after_read(int error) noexcept;
    void take_consumed() noexcept;
    void send_ticket() noexcept;
    bool make_room_below() noexcept;
    bool has_something_to_read() const noexcept;
    void begin_shutdown() noexcept;
    void end_below() noexcept;
    /// The timer keeps both streams alive, but not beyond the loop.
    void arm(Delay timeout, void (*expired)(TlsSession& session));
    void fail(const char* during) noexcept;
    void fail(std::exception_ptr failure) noexcept;
    bool is_over() const noexcept { return phase_ == Phase::over || upper_ == nullptr; }
    std::string session_key() const;

    IntrusivePtr<LoopAnchor> anchor_;
    StreamState* upper_;  // null when it is gone
    IntrusivePtr<StreamState> lower_;
    IntrusivePtr<TlsContextState> context_;
    TlsRequest request_;
    SslPtr ssl_;
    BadCertificate bad_;
    std::exception_ptr thrown_;  // by the function of .sni, until it is reported
    Event shaken_;               // hands, or it has failed
    TimerHandle timer_;
    IntrusivePtr<StreamState> keep_;  // the upper stream, while the lower one closes
    unsigned long last_error_ = 0;    // of the last call that failed
    std::size_t consumed_ = 0;        // of the lower input, by OpenSSL, and still there
    std::uint32_t references_ = 0;
    Phase phase_ = Phase::shaking_hands;
    bool has_shaken_hands_ = false;
    bool in_call_ = false;  // OpenSSL is being called
    bool pumping_ = false;
    bool look_again_ = false;   // input came meanwhile
    bool wants_room_ = false;   // take() was refused meanwhile
    bool ticket_sent_ = false;  // by a server, or there is none to send
};

}  // namespace ringio::detail

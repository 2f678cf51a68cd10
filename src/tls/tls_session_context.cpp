// What a TlsSession has of its context: the sessions that are kept there, the rules that SNI may
// change, what choosing them threw, and what it tells of them all.
#include "tls_session.hpp"

#include "certificate.hpp"

#include <ringio/core/exceptions.hpp>
#include <ringio/core/report.hpp>
#include <ringio/streams/tls_info.hpp>

#include <exception>
#include <new>
#include <string>
#include <utility>

namespace ringio::detail {

std::string TlsSession::session_key() const {
    return request_.address + '\0' + request_.server_hostname + '\0' + context_->alpn();
}

// Without memory the next connection is a full one.
void TlsSession::keep_session(SslSessionPtr session) noexcept {
    try {
        context_->sessions()->put(session_key(), std::move(session));
    } catch (const std::bad_alloc&) {
    }
}

void TlsSession::change_context(IntrusivePtr<TlsContextState> context) noexcept {
    context_ = std::move(context);
    SSL* const ssl = ssl_.get();
    SSL_CTX* const chosen = context_->native();
    SSL_set_SSL_CTX(ssl, chosen);
    // What an SSL has copied from its first context goes on otherwise.
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(chosen), SSL_CTX_get_verify_callback(chosen));
    X509_VERIFY_PARAM_set_flags(SSL_get0_param(ssl),
                                X509_VERIFY_PARAM_get_flags(SSL_CTX_get0_param(chosen)));
    SSL_set_min_proto_version(ssl, static_cast<int>(SSL_CTX_get_min_proto_version(chosen)));
    SSL_set_max_proto_version(ssl, static_cast<int>(SSL_CTX_get_max_proto_version(chosen)));
    SSL_clear_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_set_options(ssl, SSL_CTX_get_options(chosen));
}

// The handshake has failed by now: the exception handler may do whatever it likes.
void TlsSession::report_thrown(const std::string& peer) noexcept {
    const std::exception_ptr thrown = std::exchange(thrown_, nullptr);
    EventLoop* const loop = anchor_->loop;
    if (loop != nullptr && exception_kind(thrown) == ExceptionKind::interrupt) {
        loop->machine().escape(thrown);
        return;
    }
    constexpr const char* message = "Exception in the function of .sni";
    report(loop, message, thrown, [&] {
        return ExceptionContext{
            .message = message, .exception = thrown, .details = {{"transport", peer}}};
    });
}

TlsInfo TlsSession::describe() const {
    TlsInfo info;
    const SSL* const ssl = ssl_.get();
    info.version = SSL_get_version(ssl);
    if (const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl)) {
        info.cipher = SSL_CIPHER_get_name(cipher);
    }
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl, &protocol, &size);
    info.alpn.assign(reinterpret_cast<const char*>(protocol), size);
    if (const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
        info.server_hostname = name;
    }
    if (X509* const certificate = SSL_get0_peer_certificate(ssl)) {
        info.peer_certificate = ringio::detail::describe(*certificate);
    }
    info.resumed = SSL_session_reused(ssl) == 1;
    return info;
}

}  // namespace ringio::detail

#include <ringio/tls/tls_context.hpp>

#include "context_loading.hpp"
#include "context_state.hpp"
#include "peer_name.hpp"
#include "tls_session.hpp"

#include <ringio/base/scope_exit.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace ringio {
namespace detail {
namespace {

int note_verification(int is_good, X509_STORE_CTX* check) noexcept {
    if (is_good == 0) {
        const auto* const ssl = static_cast<SSL*>(
            X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx()));
        TlsSession::of(*ssl).note_bad_certificate(*check);
    }
    return is_good;
}

int keep_new_session(SSL* ssl, SSL_SESSION* session) noexcept {
    TlsSession::of(*ssl).keep_session(SslSessionPtr(session));
    return 1;  // it is ours
}

int select_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                const unsigned char* offered, unsigned offered_size, void*) noexcept {
    const std::string& ours = TlsSession::of(*ssl).context().alpn();
    unsigned char* name = nullptr;
    const int result =
        SSL_select_next_proto(&name, size, reinterpret_cast<const unsigned char*>(ours.data()),
                              static_cast<unsigned>(ours.size()), offered, offered_size);
    *chosen = name;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// RFC 6066, 3: a list of one name, and no other kind of name was ever defined.
std::string_view name_asked_for(SSL* ssl) noexcept {
    constexpr std::size_t head_size = 5;  // size of the list, kind of the name, its size
    const unsigned char* bytes = nullptr;
    std::size_t size = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &size) != 1 ||
        size < head_size || bytes[2] != TLSEXT_NAMETYPE_host_name) {
        return {};
    }
    const auto name_size = static_cast<std::size_t>(bytes[3] * 256 + bytes[4]);
    return std::string_view(reinterpret_cast<const char*>(bytes), size)
        .substr(head_size, name_size);
}

// Before anything of the client is looked at: which sessions may be resumed, and which versions are
// spoken, is the chosen context's to say. What the user's function throws ends the handshake, and
// is reported when OpenSSL is not called any more: a report calls code of the user's, too.
int choose_by_name(SSL* ssl, int* alert, void*) noexcept {
    TlsSession& session = TlsSession::of(*ssl);
    try {
        if (const std::optional<TlsContext> chosen = session.context().sni()(name_asked_for(ssl))) {
            session.change_context(IntrusivePtr<TlsContextState>(&TlsContextState::of(*chosen)));
        }
        return SSL_CLIENT_HELLO_SUCCESS;
    } catch (...) {
        session.keep_thrown(std::current_exception());
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
}

// A session is resumed by the context only that has made it: another may ask for more of clients.
void set_session_id_context(SSL_CTX& context) noexcept {
    static std::atomic<std::uint64_t> count = 0;
    const std::uint64_t id = count.fetch_add(1, std::memory_order_relaxed);
    std::array<unsigned char, sizeof id> bytes{};
    std::memcpy(bytes.data(), &id, sizeof id);
    SSL_CTX_set_session_id_context(&context, bytes.data(), bytes.size());
}

}  // namespace

TlsContextState::TlsContextState(const TlsClientOptions& options)
    : context_(make_context(false, options.min_version, options.max_version, options.ciphers)),
      alpn_(alpn_of(options.alpn)),
      is_server_(false),
      verifies_(options.verify.is_required()),
      resumes_(options.resume_sessions) {
    SSL_CTX& context = *context_;
    load_identity(context, options.certificate, options.key, options.password);
    const bool trusts_own =
        !options.ca_file.empty() || !options.ca_path.empty() || !options.ca_data.empty();
    if (!options.ca_file.empty()) {
        trust_file(context, "ca_file", options.ca_file);
    }
    if (!options.ca_path.empty()) {
        trust_directory(context, options.ca_path);
    }
    if (!options.ca_data.empty()) {
        trust_data(context, options.ca_data);
    }
    if (verifies_ && !trusts_own) {
        trust_system(context);
    }
    if (!options.crl_file.empty()) {
        load_revoked(context, options.crl_file);
    }
    if (!options.keylog_file.empty()) {
        log_keys(context, options.keylog_file);
    }
    if (options.ignore_truncation) {
        SSL_CTX_set_options(&context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    }
    SSL_CTX_set_verify(&context, verifies_ ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, &note_verification);
    if (resumes_) {
        SSL_CTX_set_session_cache_mode(&context,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(&context, &keep_new_session);
    }
    if (!alpn_.empty() &&
        SSL_CTX_set_alpn_protos(&context, reinterpret_cast<const unsigned char*>(alpn_.data()),
                                static_cast<unsigned>(alpn_.size())) != 0) {
        throw std::bad_alloc();
    }
}

TlsContextState::TlsContextState(const TlsServerOptions& options)
    : context_(make_context(true, options.min_version, options.max_version, options.ciphers)),
      alpn_(alpn_of(options.alpn)),
      sni_(options.sni.copy()),
      is_server_(true),
      verifies_(!options.client_ca.empty()) {
    if (options.certificate.empty()) {
        throw std::invalid_argument("TlsContext::server: there is no certificate");
    }
    SSL_CTX& context = *context_;
    load_identity(context, options.certificate, options.key, options.password);
    if (verifies_) {
        trust_file(context, "client_ca", options.client_ca);
        ask_for_certificates_of(context, options.client_ca);
        SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           &note_verification);
    }
    if (!options.crl_file.empty()) {
        load_revoked(context, options.crl_file);
    }
    if (!options.keylog_file.empty()) {
        log_keys(context, options.keylog_file);
    }
    if (options.ignore_truncation) {
        SSL_CTX_set_options(&context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    }
    set_session_id_context(context);
    SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
    // Tickets at the end of the handshake are answered with a reset by a client that writes and
    // closes without reading, and that destroys what it wrote: they go with the first write.
    SSL_CTX_set_num_tickets(&context, 0);
    if (!alpn_.empty()) {
        SSL_CTX_set_alpn_select_cb(&context, &select_alpn, nullptr);
    }
    if (sni_) {
        SSL_CTX_set_client_hello_cb(&context, &choose_by_name, nullptr);
    }
}

SslPtr TlsContextState::make_connection(const TlsRequest& request) const {
    ERR_clear_error();
    SslPtr ssl(SSL_new(context_.get()));
    if (!ssl) {
        throw std::bad_alloc();
    }
    if (is_server_) {
        SSL_set_accept_state(ssl.get());
        return ssl;
    }
    SSL_set_connect_state(ssl.get());
    const std::string host = name_in_certificates(request.server_hostname);
    if (host.empty()) {
        return ssl;
    }
    demand_name(*SSL_get0_param(ssl.get()), host);
    if (!is_address(host) && SSL_set_tlsext_host_name(ssl.get(), host.c_str()) != 1) {
        throw std::bad_alloc();
    }
    return ssl;
}

Task<> TlsContextState::secure(IntrusivePtr<StreamState> stream, TlsRequest request) {
    const IntrusivePtr<TlsContextState> keep(this);
    bool is_secure = false;
    const ScopeExit abandon([&] {
        if (!is_secure) {
            stream->abort();
        }
    });
    const IntrusivePtr<TlsSession> session =
        TlsSession::insert(get_running_loop(), *stream, keep, std::move(request));
    co_await session->shake_hands();
    stream->throw_failure();
    if (!session->has_shaken_hands() || stream->input().is_forbidden()) {
        stream->throw_lost();
    }
    is_secure = true;  // the peer may have said all it has to say, and good-bye
}

}  // namespace detail

TlsContext::TlsContext(IntrusivePtr<detail::TlsContextState> state) noexcept
    : state_(std::move(state)) {}
TlsContext::TlsContext(const TlsContext&) noexcept = default;
TlsContext::TlsContext(TlsContext&&) noexcept = default;
TlsContext& TlsContext::operator=(TlsContext other) noexcept {
    state_.swap(other.state_);
    return *this;
}
TlsContext::~TlsContext() = default;

TlsContext TlsContext::client(const TlsClientOptions& options) {
    return TlsContext(IntrusivePtr<detail::TlsContextState>(new detail::TlsContextState(options)));
}

TlsContext TlsContext::server(const TlsServerOptions& options) {
    return TlsContext(IntrusivePtr<detail::TlsContextState>(new detail::TlsContextState(options)));
}

bool TlsContext::is_server() const noexcept { return state_->is_server(); }

TlsContext::operator TlsOption() const noexcept { return TlsOption(*state_); }

}  // namespace ringio

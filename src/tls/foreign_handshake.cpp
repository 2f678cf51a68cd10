#include "foreign_handshake.hpp"

#include "context_loading.hpp"
#include "context_state.hpp"
#include "peer_name.hpp"

#include <new>
#include <utility>

namespace ringio::detail {
namespace {

using Shared = std::shared_ptr<ForeignHandshake>;

// Of an index of the library's context: called when it goes.
void drop_handshake(void*, void* shared, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<Shared*>(shared);
}

int handshake_index() noexcept {
    static const int index =
        SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &drop_handshake);
    return index;
}

void require(long result) {
    if (result != 1) {
        ERR_clear_error();
        throw std::bad_alloc();
    }
}

// Those of TLS 1.2; 1.3 has a list of its own, which nobody changes.
std::string ciphers_of(const SSL_CTX& context) {
    const STACK_OF(SSL_CIPHER)* const ciphers = SSL_CTX_get_ciphers(&context);
    std::string names;
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
        names += names.empty() ? "" : ":";
        names += SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i));
    }
    return names;
}

void copy_identity(SSL_CTX& from, SSL_CTX& to) {
    X509* const certificate = SSL_CTX_get0_certificate(&from);
    if (certificate == nullptr) {
        return;
    }
    STACK_OF(X509)* chain = nullptr;
    require(SSL_CTX_get0_chain_certs(&from, &chain));
    require(SSL_CTX_use_cert_and_key(&to, certificate, SSL_CTX_get0_privatekey(&from), chain, 1));
}

void copy_rules(SSL_CTX& from, SSL_CTX& to) {
    SSL_CTX_set_security_level(&to, SSL_CTX_get_security_level(&from));
    require(SSL_CTX_set_min_proto_version(&to, SSL_CTX_get_min_proto_version(&from)));
    require(SSL_CTX_set_max_proto_version(&to, SSL_CTX_get_max_proto_version(&from)));
    require(SSL_CTX_set_cipher_list(&to, ciphers_of(from).c_str()));
    SSL_CTX_set_options(&to, SSL_CTX_get_options(&from));
    require(X509_VERIFY_PARAM_set1(SSL_CTX_get0_param(&to), SSL_CTX_get0_param(&from)));
    SSL_CTX_set1_cert_store(&to, SSL_CTX_get_cert_store(&from));
}

}  // namespace

Shared ForeignHandshake::put_under(StreamSecurity& rules, SSL_CTX& theirs, std::string host,
                                   std::string peer) {
    SSL_CTX& ours = *static_cast<TlsContextState&>(rules).native();
    copy_rules(ours, theirs);
    copy_identity(ours, theirs);
    if (rules.checks_host_name() && !host.empty()) {
        demand_name(*SSL_CTX_get0_param(&theirs), name_in_certificates(host));
    }
    auto self = std::make_shared<ForeignHandshake>(rules, std::move(host), std::move(peer));
    self->attach(theirs, self);
    return self;
}

bool ForeignHandshake::resumes(StreamSecurity& rules) noexcept {
    return static_cast<TlsContextState&>(rules).sessions() != nullptr;
}

void ForeignHandshake::attach(SSL_CTX& theirs, const Shared& self) const {
    auto kept = std::make_unique<Shared>(self);
    require(SSL_CTX_set_ex_data(&theirs, handshake_index(), kept.get()));
    static_cast<void>(kept.release());
    SSL_CTX_set_verify(&theirs, rules_->checks_host_name() ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       &note_verification);
    SSL_CTX_set_info_callback(&theirs, &note_progress);
    if (logs_keys(*native())) {
        SSL_CTX_set_keylog_callback(&theirs, &log_line);
    }
}

SSL_CTX* ForeignHandshake::native() const noexcept {
    return static_cast<const TlsContextState&>(*rules_).native();
}

ForeignHandshake& ForeignHandshake::of(const SSL& connection) noexcept {
    return **static_cast<Shared*>(
        SSL_CTX_get_ex_data(SSL_get_SSL_CTX(&connection), handshake_index()));
}

int ForeignHandshake::note_verification(int is_good, X509_STORE_CTX* check) noexcept {
    if (is_good == 0) {
        const auto* const ssl = static_cast<const SSL*>(
            X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx()));
        of(*ssl).bad_.note(*check);
    }
    return is_good;
}

// A client hears only after its handshake that its certificate was not taken: TLS 1.3.
void ForeignHandshake::note_progress(const SSL* connection, int where, int result) noexcept {
    if (where == SSL_CB_CONNECT_EXIT && result <= 0 && ERR_peek_error() != 0) {
        of(*connection).note_failure(*connection, ERR_peek_error());
    } else if (where == SSL_CB_READ_ALERT && (result >> 8) == SSL3_AL_FATAL &&
               SSL_is_init_finished(connection) == 1) {
        const int reason = SSL_AD_REASON_OFFSET + (result & 0xff);
        of(*connection).note_failure(*connection, ERR_PACK(ERR_LIB_SSL, 0, reason));
    }
}

void ForeignHandshake::note_failure(const SSL& connection, unsigned long error) noexcept {
    const bool in_handshake = SSL_is_init_finished(&connection) == 0;
    failure_ = make_tls_error({.ssl = const_cast<SSL*>(&connection),
                               .during = in_handshake ? "TLS handshake with " : "TLS with ",
                               .in_handshake = in_handshake,
                               .peer = &peer_,
                               .host = &host_,
                               .bad = &bad_},
                              error);
}

void ForeignHandshake::log_line(const SSL* connection, const char* line) noexcept {
    log_key(*of(*connection).native(), line);
}

}  // namespace ringio::detail

#include "tls_failure.hpp"

#include "certificate.hpp"

#include <openssl/x509.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ringio::detail {
namespace {

struct Meaning {
    TlsErrc code;
    const char* hint;
};

constexpr const char* wants_certificate =
    "the peer wants a certificate of ours: give .certificate and .key";
constexpr const char* rejects_certificate =
    "the peer rejected our certificate, for the reason that it names";
constexpr const char* speaks_no_tls =
    "the peer does not speak TLS on this port (plain HTTP, or a protocol that begins in the "
    "clear?)";

Meaning meaning_of_reason(int reason) noexcept {
    switch (reason) {
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
        case SSL_R_HTTPS_PROXY_REQUEST:
        case SSL_R_UNKNOWN_PROTOCOL:
        case SSL_R_BAD_PROTOCOL_VERSION_NUMBER:
            return {TlsErrc::not_tls, speaks_no_tls};
        case SSL_R_NO_SHARED_CIPHER:
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_NO_PROTOCOLS_AVAILABLE:
        case SSL_R_UNSUPPORTED_SSL_VERSION:
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
            return {TlsErrc::no_common_version, "versions"};
        case SSL_R_NO_APPLICATION_PROTOCOL:
        case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
            return {TlsErrc::no_common_protocol, "no name in .alpn is one of the peer's"};
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
            return {TlsErrc::peer_rejected_certificate, wants_certificate};
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
            return {TlsErrc::peer_rejected_certificate, rejects_certificate};
        case SSL_R_UNEXPECTED_EOF_WHILE_READING:
            return {TlsErrc::unexpected_eof,
                    "the peer, or somebody between, cut the connection; what came may not be all"};
        default:
            return {TlsErrc::protocol_error, ""};
    }
}

std::string range_of_versions(SSL& ssl) {
    const auto name = [](long version) {
        return version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3";
    };
    return fmt::format("we speak {} to {}; the peer speaks none of these, or none of our ciphers",
                       name(SSL_get_min_proto_version(&ssl)),
                       name(SSL_get_max_proto_version(&ssl)));
}

std::string now() { return text_of(std::chrono::system_clock::now()); }

std::string names_of(const X509& certificate) {
    constexpr std::size_t most = 20;
    const std::vector<std::string> names = alt_names_of(certificate);
    if (names.empty()) {
        return "no name at all";
    }
    const std::size_t shown = std::min(names.size(), most);
    std::string text = fmt::format("{}", fmt::join(names.data(), names.data() + shown, ", "));
    if (shown < names.size()) {
        text += fmt::format(" and {} more", names.size() - shown);
    }
    return text;
}

// What to do about it; `host` is whom the peer was to be.
std::string hint_for(const BadCertificate& bad, const std::string& host, bool is_server) {
    const X509* const certificate = bad.certificate.get();
    if (certificate == nullptr) {
        return {};
    }
    switch (bad.code) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return fmt::format("it ended on {}, and our clock says {}",
                               text_of(time_of(X509_get0_notAfter(certificate))), now());
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return fmt::format("it begins on {}, and our clock says {}",
                               text_of(time_of(X509_get0_notBefore(certificate))), now());
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            return is_server
                       ? "it vouches for itself: to trust it add it to .client_ca"
                       : "it vouches for itself: to trust it put it into .ca_file, or, without "
                         "one, add it with update-ca-certificates";
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return is_server ? "the issuer is not in .client_ca, nor sent by the peer: add it, or "
                               "the peer has to send the certificates in between"
                             : fmt::format(
                                   "the issuer is not in .ca_file, .ca_path or .ca_data (without "
                                   "them: {}, see update-ca-certificates), nor sent by the peer: "
                                   "add it, or the peer has to send the certificates in between",
                                   X509_get_default_cert_dir());
        case X509_V_ERR_HOSTNAME_MISMATCH:
            return fmt::format("{} was expected, and the certificate is for {}", host,
                               names_of(*certificate));
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return fmt::format("the address {} was expected, and the certificate is for {}", host,
                               names_of(*certificate));
        case X509_V_ERR_EE_KEY_TOO_SMALL:
        case X509_V_ERR_CA_KEY_TOO_SMALL:
        case X509_V_ERR_CA_MD_TOO_WEAK:
            return "its key or digest is too weak for OpenSSL's security level 2";
        case X509_V_ERR_CERT_REVOKED:
            return "its issuer has taken it back";
        case X509_V_ERR_INVALID_PURPOSE:
            return "it is not meant for this side of a connection";
        case X509_V_ERR_INVALID_CA:
            return "it is not meant to issue certificates, and the peer's chain says it did";
        case X509_V_ERR_PERMITTED_VIOLATION:
        case X509_V_ERR_EXCLUDED_VIOLATION:
            return "an authority above it may not vouch for its names";
        case X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER:
        case X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER:
        case X509_V_ERR_CA_BCONS_NOT_CRITICAL:
        case X509_V_ERR_CA_CERT_MISSING_KEY_USAGE:
            return "it is not made as RFC 5280 demands of certificates and authorities";
        case X509_V_ERR_UNABLE_TO_GET_CRL:
            return "no list of its issuer is in .crl_file";
        case X509_V_ERR_CRL_HAS_EXPIRED:
            return "the list of its issuer in .crl_file is out of date";
        default:
            return {};
    }
}

std::exception_ptr certificate_error(const FailedConnection& failed) {
    const BadCertificate& bad = *failed.bad;
    CertificateFailure failure{
        .verify_result = bad.code, .depth = bad.depth, .subject = {}, .issuer = {}};
    if (bad.certificate) {
        failure.subject = text_of(X509_get_subject_name(bad.certificate.get()));
        failure.issuer = text_of(X509_get_issuer_name(bad.certificate.get()));
    }
    const std::string reason = X509_verify_cert_error_string(bad.code);
    const std::string text = fmt::format(
        "{}{} failed: certificate verify failed: {} (depth {}, subject {}, issuer {})",
        failed.during, *failed.peer, reason, bad.depth, failure.subject, failure.issuer);
    return std::make_exception_ptr(
        CertificateError(text, reason, hint_for(bad, *failed.host, SSL_is_server(failed.ssl) == 1),
                         std::move(failure)));
}

std::exception_ptr no_certificate_error(const FailedConnection& failed, unsigned long error) {
    const std::string reason = reason_of(error);
    return std::make_exception_ptr(CertificateError(
        fmt::format("{}{} failed: {}", failed.during, *failed.peer, reason), reason,
        "the client showed no certificate, which .client_ca demands", CertificateFailure()));
}

// Before TLS 1.3 there is no alert of its own that says so.
bool has_shown_no_certificate(SSL& ssl) noexcept {
    const unsigned char* kinds = nullptr;
    return SSL_is_server(&ssl) == 0 && SSL_get0_certificate_types(&ssl, &kinds) > 0 &&
           SSL_get_certificate(&ssl) == nullptr;
}

Meaning meaning_of(const FailedConnection& failed, unsigned long error) noexcept {
    if (ERR_GET_LIB(error) != ERR_LIB_SSL) {
        return {TlsErrc::protocol_error, ""};
    }
    const int reason = ERR_GET_REASON(error);
    if (reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE && has_shown_no_certificate(*failed.ssl)) {
        return meaning_of_reason(SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED);
    }
    const Meaning meaning = meaning_of_reason(reason);
    const bool has_spoken_tls = SSL_get_pending_cipher(failed.ssl) != nullptr;
    // After the handshake there are no versions left to disagree about.
    const bool is_over = (meaning.code == TlsErrc::not_tls && has_spoken_tls) ||
                         (meaning.code == TlsErrc::no_common_version && !failed.in_handshake);
    return is_over ? Meaning{TlsErrc::protocol_error, ""} : meaning;
}

std::exception_ptr other_error(const FailedConnection& failed, unsigned long error) {
    const Meaning meaning = meaning_of(failed, error);
    const std::string reason = error == 0 ? "no reason is known" : reason_of(error);
    const std::string hint = meaning.code == TlsErrc::no_common_version
                                 ? range_of_versions(*failed.ssl)
                                 : std::string(meaning.hint);
    const std::string text = fmt::format("{}{} failed: {}", failed.during, *failed.peer, reason);
    return std::make_exception_ptr(TlsError(meaning.code, text, reason, hint));
}

}  // namespace

void BadCertificate::note(X509_STORE_CTX& check) noexcept {
    if (code != X509_V_OK) {
        return;  // the first one counts
    }
    code = X509_STORE_CTX_get_error(&check);
    depth = X509_STORE_CTX_get_error_depth(&check);
    X509* const current = X509_STORE_CTX_get_current_cert(&check);
    if (current != nullptr && X509_up_ref(current) == 1) {
        certificate.reset(current);
    }
}

std::exception_ptr make_tls_error(const FailedConnection& failed, unsigned long error) noexcept {
    try {
        const int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
        if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
            return no_certificate_error(failed, error);
        }
        return reason == SSL_R_CERTIFICATE_VERIFY_FAILED && failed.bad->code != X509_V_OK
                   ? certificate_error(failed)
                   : other_error(failed, error);
    } catch (const std::bad_alloc&) {
        return std::current_exception();
    }
}

}  // namespace ringio::detail

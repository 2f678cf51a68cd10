// TlsError, CertificateError: what goes wrong under TLS, with what to do about it.
#pragma once

#include <ringio/base/config.hpp>

#include <memory>
#include <string>
#include <system_error>

namespace ringio {

/// What kind of failure a TlsError is; its code() is of tls_category().
enum class TlsErrc {
    certificate_verify_failed = 1,  ///< the peer's certificate is not good
    peer_rejected_certificate,      ///< the peer sent an alert about our certificate
    no_common_version,              ///< of the protocol, or no cipher
    no_common_protocol,             ///< of the application (ALPN)
    not_tls,                        ///< what the peer sends is no TLS
    unexpected_eof,                 ///< the connection ended without a close_notify
    protocol_error,                 ///< what the peer sends breaks the protocol, or was changed
    bad_context,                    ///< a TlsContext cannot be made of these options
};

RINGIO_API const std::error_category& tls_category() noexcept;
inline std::error_code make_error_code(TlsErrc code) noexcept {
    return {static_cast<int>(code), tls_category()};
}

/// Thrown by handshakes, by reading and writing under TLS, and when a context is made; ssl.SSLError
/// in Python. what() has it all: who, what, why, and a hint.
class RINGIO_API TlsError : public std::system_error {
public:
    /// `text` is what() as a whole, but the hint.
    TlsError(TlsErrc code, const std::string& text, std::string reason, std::string hint = {});

    /// OpenSSL's words, "wrong version number".
    const std::string& reason() const noexcept { return details_->reason; }
    /// What to do about it, or nothing.
    const std::string& hint() const noexcept { return details_->hint; }
    const char* what() const noexcept override { return details_->what.c_str(); }

private:
    struct Details {
        std::string what;
        std::string reason;
        std::string hint;
    };

    std::shared_ptr<const Details> details_;  // an exception is copied without a throw
};

/// Where in a chain of certificates the check failed.
struct CertificateFailure {
    long verify_result = 0;  ///< X509_V_ERR_*; 0: there was none to check
    int depth = 0;           ///< 0: the peer's own certificate
    std::string subject = {};
    std::string issuer = {};
};

/// The peer's certificate is not good, or it showed none; ssl.SSLCertVerificationError in Python.
class RINGIO_API CertificateError : public TlsError {
public:
    CertificateError(const std::string& text, std::string reason, std::string hint,
                     CertificateFailure failure);

    long verify_result() const noexcept { return failure_->verify_result; }
    int depth() const noexcept { return failure_->depth; }
    const std::string& subject() const noexcept { return failure_->subject; }
    const std::string& issuer() const noexcept { return failure_->issuer; }

private:
    std::shared_ptr<const CertificateFailure> failure_;
};

}  // namespace ringio

template <>
struct std::is_error_code_enum<ringio::TlsErrc> : std::true_type {};

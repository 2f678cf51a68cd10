// A connection that another library makes by OpenSSL, as libcurl does, under the rules of a
// TlsContext.
#pragma once

#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/streams/tls_option.hpp>

#include "openssl.hpp"
#include "tls_failure.hpp"

#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace ringio::detail {

/// What becomes of it. It belongs to the library's SSL_CTX and to who started it.
class ForeignHandshake {
public:
    /// Has `theirs`, of which no connection was made yet, trust, check, show and log as `rules` do,
    /// the context of a client. ALPN and the sessions to resume stay as they are. `host` is who the
    /// peer must prove to be; empty: the library checks that itself. `peer` is for the texts of
    /// errors. *Errors*: std::bad_alloc.
    static std::shared_ptr<ForeignHandshake> put_under(StreamSecurity& rules, SSL_CTX& theirs,
                                                       std::string host, std::string peer);

    /// Whether sessions are to be resumed.
    static bool resumes(StreamSecurity& rules) noexcept;

    ForeignHandshake(StreamSecurity& rules, std::string host, std::string peer)
        : rules_(&rules), host_(std::move(host)), peer_(std::move(peer)) {}

    /// The TlsError or CertificateError that ended it, or null.
    const std::exception_ptr& failure() const noexcept { return failure_; }

private:
    static ForeignHandshake& of(const SSL& connection) noexcept;
    static int note_verification(int is_good, X509_STORE_CTX* check) noexcept;
    static void note_progress(const SSL* connection, int where, int result) noexcept;
    static void log_line(const SSL* connection, const char* line) noexcept;
    void note_failure(const SSL& connection, unsigned long error) noexcept;
    void attach(SSL_CTX& theirs, const std::shared_ptr<ForeignHandshake>& self) const;
    SSL_CTX* native() const noexcept;

    const IntrusivePtr<StreamSecurity> rules_;
    const std::string host_;
    const std::string peer_;
    BadCertificate bad_;
    std::exception_ptr failure_;
};

}  // namespace ringio::detail

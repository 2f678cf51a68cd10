// What OpenSSL says went wrong, as an exception with everything that helps.
#pragma once

#include <ringio/tls/tls_error.hpp>

#include "openssl.hpp"

#include <exception>
#include <string>

namespace ringio::detail {

/// The first certificate of a chain that was found not to be good.
struct BadCertificate {
    int code = X509_V_OK;
    int depth = 0;
    X509Ptr certificate;

    /// Notes what a check of a chain found. Without memory only the code is known.
    void note(X509_STORE_CTX& check) noexcept;
};

/// Where in the life of a connection it happened.
struct FailedConnection {
    SSL* ssl;
    const char* during;  // "TLS handshake with "
    bool in_handshake;
    const std::string* peer;  // "a.org:443"
    const std::string* host;  // whom the peer was to be, or nothing
    const BadCertificate* bad;
};

/// Makes a TlsError or CertificateError of an error of OpenSSL; never null. Without memory it is a
/// std::bad_alloc.
std::exception_ptr make_tls_error(const FailedConnection& failed, unsigned long error) noexcept;

}  // namespace ringio::detail

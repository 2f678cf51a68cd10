// OpenSSL's objects with an owner, and its error queue. The queue is the thread's, and all
// connections share it: it is emptied before each call that may fail.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace ringio::detail {

template <auto free>
struct OpenSslFree {
    template <class T>
    void operator()(T* object) const noexcept {
        free(object);
    }
};

using SslContextPtr = std::unique_ptr<SSL_CTX, OpenSslFree<&SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, OpenSslFree<&SSL_free>>;
using SslSessionPtr = std::unique_ptr<SSL_SESSION, OpenSslFree<&SSL_SESSION_free>>;
using BioPtr = std::unique_ptr<BIO, OpenSslFree<&BIO_free>>;
using X509Ptr = std::unique_ptr<X509, OpenSslFree<&X509_free>>;

/// The words of an error of OpenSSL, "wrong version number".
inline std::string reason_of(unsigned long error) {
    const char* const reason = ERR_reason_error_string(error);
    return reason != nullptr ? reason : "unknown error " + std::to_string(error);
}

/// Empties the queue; to look first costs less.
inline void forget_errors() noexcept {
    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }
}

/// Takes the first error from the queue, which is the cause, and drops the others.
inline unsigned long take_error() noexcept {
    const unsigned long error = ERR_get_error();
    ERR_clear_error();
    return error;
}

}  // namespace ringio::detail

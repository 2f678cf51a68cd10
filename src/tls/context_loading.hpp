// What goes into OpenSSL's context, with errors that name the file.
#pragma once

#include <ringio/tls/tls_context.hpp>

#include "openssl.hpp"

#include <string>
#include <string_view>

namespace ringio::detail {

/// What clients and servers have in common: versions, ciphers, and OpenSSL's options. *Errors*:
/// std::invalid_argument for ciphers, or versions that are no range; std::bad_alloc.
SslContextPtr make_context(bool is_server, TlsVersion least, TlsVersion most,
                           std::string_view ciphers);

/// A certificate with its chain, and its key. *Errors*: std::system_error, TlsError.
void load_identity(SSL_CTX& context, std::string_view certificate, std::string_view key,
                   std::string_view password);
/// Certificates to trust, of a file that stands in the option. *Errors*: the same.
void trust_file(SSL_CTX& context, const char* option, std::string_view file);
void trust_directory(SSL_CTX& context, std::string_view directory);
void trust_data(SSL_CTX& context, std::string_view pem);
/// Those of the system. *Errors*: TlsError when there are none.
void trust_system(SSL_CTX& context);
/// Certificates that were taken back. *Errors*: the same.
void load_revoked(SSL_CTX& context, std::string_view file);
/// The names that a server tells clients whom it asks for a certificate. *Errors*: the same.
void ask_for_certificates_of(SSL_CTX& context, std::string_view file);
/// Writes the secrets of each connection to a file. *Errors*: std::system_error.
void log_keys(SSL_CTX& context, std::string_view file);
bool logs_keys(const SSL_CTX& context) noexcept;
void log_key(const SSL_CTX& context, const char* line) noexcept;

/// The names as the protocol has them. *Errors*: std::invalid_argument.
std::string alpn_of(const AlpnProtocols& protocols);

}  // namespace ringio::detail

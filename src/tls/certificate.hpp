// What a certificate says, in texts.
#pragma once

#include <ringio/streams/tls_info.hpp>

#include "openssl.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace ringio::detail {

/// "CN = a.org, O = A".
std::string text_of(const X509_NAME* name);
std::chrono::system_clock::time_point time_of(const ASN1_TIME* time) noexcept;
/// "2026-11-29 12:00:00 UTC".
std::string text_of(std::chrono::system_clock::time_point time);
std::vector<std::string> alt_names_of(const X509& certificate);

/// All of it. *Errors*: std::bad_alloc.
TlsCertificate describe(X509& certificate);

}  // namespace ringio::detail

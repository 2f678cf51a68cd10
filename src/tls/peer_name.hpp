// The name that a server must prove.
#pragma once

#include "openssl.hpp"

#include <string>

namespace ringio::detail {

bool is_address(const std::string& host) noexcept;

/// The host as certificates have it: "example.org." is example.org, and "fe80::1%eth0" has no
/// interface.
std::string name_in_certificates(const std::string& host);

/// Has the peer's certificate checked for a name, or an address. *Errors*: std::bad_alloc.
void demand_name(X509_VERIFY_PARAM& rules, const std::string& name);

}  // namespace ringio::detail

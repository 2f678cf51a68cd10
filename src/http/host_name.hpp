// Names of hosts beyond ASCII, as DNS, TLS and HTTP have them.
#pragma once

#include <string>
#include <string_view>

namespace ringio::http::detail {

/// "bücher.example" as "xn--bcher-kva.example"; a name in ASCII as it is. What comes out may have
/// any ASCII character in it: "℀" is "a/c". *Errors*: std::invalid_argument that says why not.
std::string ascii_host(std::string_view host);

}  // namespace ringio::http::detail

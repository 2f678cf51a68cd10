// What libcurl is told of a request, whoever carries it: a CurlMulti or curl_easy_perform().
#pragma once

#include "curl_errors.hpp"
#include "easy_handle.hpp"
#include "exchange_tls.hpp"
#include "request_spec.hpp"
#include "session_settings.hpp"

#include <curl/curl.h>

#include <array>
#include <string>

namespace ringio::http::detail {

/// The proxy of an exchange; empty: none.
std::string proxy_of(const Exchange& exchange, const SessionSettings& settings);

/// What libcurl keeps no copy of.
struct RequestParts {
    TextList headers;
    ExchangeTls tls;
    std::array<char, CURL_ERROR_SIZE> error_text = {};
};

/// Sets all options but the callbacks and what belongs to a loop. `parts` must live as long as the
/// request. *Errors*: std::invalid_argument for a header or a cookie that cannot be; InvalidURL for
/// the proxy; ClientSSLError when the system trusts nobody.
void set_up_request(EasyHandle& easy, RequestParts& parts, const Exchange& exchange,
                    const SessionSettings& settings);

/// Says of a request that failed what can be asked now that it has.
CurlFailure describe_failure(CURLcode code, const EasyHandle& easy, const RequestParts& parts,
                             const Exchange& exchange, const SessionSettings& settings);

}  // namespace ringio::http::detail

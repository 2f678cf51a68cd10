// What libcurl is told of a request, whoever carries it: a CurlMulti or curl_easy_perform().
#pragma once

#include "easy_handle.hpp"
#include "request_spec.hpp"
#include "session_settings.hpp"

#include <string>

namespace ringio::http::detail {

/// The proxy of an exchange; empty: none.
std::string proxy_of(const Exchange& exchange, const SessionSettings& settings);

/// Sets all options but the callbacks and what belongs to a loop. `header_list` must live as long
/// as the request. *Errors*: std::invalid_argument for a header or a cookie that cannot be;
/// InvalidURL for the proxy.
void set_up_request(EasyHandle& easy, TextList& header_list, const Exchange& exchange,
                    const SessionSettings& settings);

}  // namespace ringio::http::detail

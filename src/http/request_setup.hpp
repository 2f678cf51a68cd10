// What libcurl is told of a request, whoever carries it: a CurlMulti or curl_easy_perform().
#pragma once

#include "curl_errors.hpp"
#include "easy_handle.hpp"
#include "exchange_tls.hpp"
#include "request_spec.hpp"
#include "session_settings.hpp"

#include <curl/curl.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

namespace ringio::http::detail {

/// The proxy of an exchange; empty: none.
std::string proxy_of(const Exchange& exchange, const SessionSettings& settings);

class Transfer;

/// How a connection is chosen, or made.
struct ConnectionOptions {
    bool is_fresh = false;         // CURLOPT_FRESH_CONNECT
    long milliseconds = 0;         // CURLOPT_CONNECTTIMEOUT_MS
    long version = 0;              // CURLOPT_HTTP_VERSION
    bool waits_for_http2 = false;  // CURLOPT_PIPEWAIT

    friend bool operator==(const ConnectionOptions&, const ConnectionOptions&) = default;
};

/// What a handle was told since it was new or reset: what stays the same is not said again. Libcurl
/// keeps no copy of some of it.
struct RequestParts {
    Transfer* transfer = nullptr;  // whom its callbacks tell, where a loop carries it
    std::string method;
    Headers headers;  // what header_list was made of
    TextList header_list;
    TextList resolve_list;
    std::optional<ConnectionOptions> connection;
    ExchangeTls tls;
    std::array<char, CURL_ERROR_SIZE> error_text = {};
};

/// An easy handle with what it was told.
struct RequestHandle {
    std::unique_ptr<RequestParts> parts;  // outlives the handle; null: that is new, or was reset
    EasyHandle easy;
    bool is_set_up = false;  // what is the same for all requests of its session
};

/// Sets the options that are the same for all requests of a session, but the callbacks and what
/// belongs to a loop.
void set_up_session(EasyHandle& easy, RequestParts& parts, const SessionSettings& settings);
/// Sets the others. `parts` must live until the handle is reset. *Errors*: std::invalid_argument
/// for a header or a cookie that cannot be; InvalidURL for the proxy; ClientSSLError when the
/// system trusts nobody.
void set_up_request(EasyHandle& easy, RequestParts& parts, const Exchange& exchange,
                    const SessionSettings& settings);
/// Whether set_up_request() sets only options that it sets for each request: the next one of the
/// session may have the handle as it is then, and without a reset.
bool sets_the_usual(const Exchange& exchange, const SessionSettings& settings);

/// Says of a request that failed what can be asked now that it has.
CurlFailure describe_failure(CURLcode code, const EasyHandle& easy, const RequestParts& parts,
                             const Exchange& exchange, const SessionSettings& settings);

}  // namespace ringio::http::detail

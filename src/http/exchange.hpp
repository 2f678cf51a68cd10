// From a call to what is asked of a server, and from its redirect to what is asked next.
#pragma once

#include "request_spec.hpp"
#include "response_head.hpp"
#include "session_settings.hpp"

#include <ringio/core/event_loop.hpp>

#include <memory>
#include <string_view>

namespace ringio::http::detail {

/// *Errors*: InvalidURL, std::invalid_argument.
std::unique_ptr<Exchange> first_exchange(const SessionSettings& settings, RequestSpec& spec,
                                         Clock::time_point now);

/// Where an answer redirects to; empty: nowhere.
std::string_view location_of(const ResponseHead& head) noexcept;

/// The exchange that an answer redirects to. Nobody but the server that they were meant for gets
/// credentials and cookies. *Errors*: InvalidUrlRedirectClientError, ClientPayloadError.
std::unique_ptr<Exchange> next_exchange(const Exchange& last, const ResponseHead& head,
                                        std::string_view location);

}  // namespace ringio::http::detail

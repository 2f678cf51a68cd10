// SessionSettings: what a session was told.
#pragma once

#include "request_spec.hpp"

#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/http/headers.hpp>
#include <ringio/http/options.hpp>
#include <ringio/http/url.hpp>
#include <ringio/streams/tls_option.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace ringio::http::detail {

/// SessionOptions, owned.
struct SessionSettings {
    explicit SessionSettings(const SessionOptions& options);

    std::optional<Url> base_url;
    Headers headers;
    bool cookies;
    ClientTimeout timeout;
    std::size_t limit;
    std::size_t limit_per_host;
    std::optional<std::uint64_t> max_body;
    std::string proxy;
    bool trust_env;
    bool raise_for_status;
    bool auto_decompress;
    bool http2;
    std::string unix_socket;
    std::optional<Credentials> auth;
    IntrusivePtr<ringio::detail::StreamSecurity> tls;  // none: as TlsContext::client()
};

}  // namespace ringio::http::detail

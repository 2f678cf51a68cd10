#include "exchange.hpp"

#include <ringio/http/errors.hpp>

#include <fmt/core.h>

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace ringio::http::detail {
namespace {

// libcurl sends a head of 1 MiB at most.
constexpr std::size_t headers_max = 1'000'000;

Url url_of(const SessionSettings& settings, const RequestSpec& spec) {
    const std::optional<Url>& base = settings.base_url;
    Url url = base ? base->join(spec.url) : Url(spec.url);
    if (!spec.params.empty()) {
        url = url.with_params(spec.params);
    }
    return url;
}

/// The credentials of a request, out of its URL, too. *Errors*: std::invalid_argument.
std::optional<Credentials> credentials_of(const SessionSettings& settings, const RequestSpec& spec,
                                          const Url& url) {
    const bool in_url = url.has_credentials();
    if (in_url && spec.auth) {
        throw std::invalid_argument("Cannot combine AUTH argument with credentials encoded in URL");
    }
    std::optional<Credentials> auth = spec.auth;
    if (!auth && (!settings.base_url || settings.base_url->origin() == url.origin())) {
        auth = settings.auth;
    }
    if (in_url) {
        auth = Credentials{url.user(), url.password()};
    }
    if ((spec.auth || in_url) && spec.headers.contains("Authorization")) {
        throw std::invalid_argument(
            "Cannot combine AUTHORIZATION header with AUTH argument or credentials encoded in URL");
    }
    return auth;
}

void check_size(const Headers& headers) {
    std::size_t size = 0;
    for (const auto& [name, value] : headers) {
        size += name.size() + value.size();
    }
    if (size > headers_max) {
        throw std::invalid_argument(fmt::format(
            "the headers of a request may have {} bytes; these are {}", headers_max, size));
    }
}

Headers headers_of(const SessionSettings& settings, const RequestSpec& spec,
                   const std::optional<Credentials>& auth) {
    Headers headers = settings.headers;
    for (const auto& [name, value] : spec.headers) {
        headers.remove(name);
    }
    for (const auto& [name, value] : spec.headers) {
        check_header(name, value);
        if (same_name(name, "Content-Length") || same_name(name, "Transfer-Encoding")) {
            throw std::invalid_argument(
                fmt::format("the header {} is set by the body that is sent", name));
        }
        headers.add(name, value);
    }
    if (spec.body && !spec.body_type.empty() && !headers.contains("Content-Type")) {
        headers.add("Content-Type", spec.body_type);
    }
    if (!spec.body_coding.empty()) {
        if (headers.contains("Content-Encoding")) {
            throw std::invalid_argument(
                "compress can not be set if Content-Encoding header is set");
        }
        headers.add("Content-Encoding", spec.body_coding);
    }
    if (auth && !headers.contains("Authorization")) {
        headers.add("Authorization", auth->header());
    }
    check_size(headers);
    return headers;
}

}  // namespace

std::unique_ptr<Exchange> first_exchange(const SessionSettings& settings, RequestSpec& spec,
                                         Clock::time_point now) {
    check_method(spec.method);
    Url url = url_of(settings, spec);
    const std::optional<Credentials> auth = credentials_of(settings, spec, url);
    spec.make_body();
    const ClientTimeout timeout = merged(spec.timeout, settings.timeout);
    const std::optional<Delay> total = limit_of(timeout.total);
    Headers headers = headers_of(settings, spec, auth);
    return std::unique_ptr<Exchange>(
        new Exchange{.method = std::move(spec.method),
                     .url = url.has_credentials() ? url.without_user() : std::move(url),
                     .headers = std::move(headers),
                     .cookies = std::move(spec.cookies),
                     .body = std::move(spec.body),
                     .chunks = std::move(spec.chunks),
                     .timeout = timeout,
                     .deadline = total ? std::optional(now + total->value()) : std::nullopt,
                     .max_body = spec.max_body ? spec.max_body : settings.max_body,
                     .proxy = std::move(spec.proxy)});
}

std::string_view location_of(const ResponseHead& head) noexcept {
    const bool redirects = head.status == 301 || head.status == 302 || head.status == 303 ||
                           head.status == 307 || head.status == 308;
    return redirects ? head.headers.get("Location", head.headers.get("URI")) : std::string_view();
}

namespace {

Url redirected(const Url& from, std::string_view location) {
    try {
        Url to = from.join(location);
        if (!to.unix_socket().empty() && to.origin() != from.origin()) {
            throw InvalidURL("it leads to a socket of this machine");
        }
        return to;
    } catch (const InvalidURL& error) {
        throw InvalidUrlRedirectClientError(
            fmt::format("{} redirects to no valid URL: {}", from.to_string(), error.what()));
    }
}

}  // namespace

std::unique_ptr<Exchange> next_exchange(const Exchange& last, const ResponseHead& head,
                                        std::string_view location) {
    const int status = head.status;
    std::unique_ptr<Exchange> next(new Exchange{.method = last.method,
                                                .url = redirected(last.url, location),
                                                .headers = last.headers,
                                                .cookies = last.cookies,
                                                .body = last.body,
                                                .chunks = {},
                                                .timeout = last.timeout,
                                                .deadline = last.deadline,
                                                .max_body = last.max_body,
                                                .proxy = last.proxy});
    const bool becomes_get = (status == 303 && last.method != "HEAD") ||
                             ((status == 301 || status == 302) && last.method == "POST");
    if (becomes_get) {
        next->method = "GET";
        next->body = nullptr;
        next->headers.remove("Content-Type");
        next->headers.remove("Content-Encoding");
    } else if (next->body && !(next->body->can_be_repeated() && next->body->rewind())) {
        throw ClientPayloadError(
            fmt::format("{} redirects a body that is gone: it came from a generator or a file",
                        last.url.to_string()));
    }
    if (next->url.fragment().empty() && !last.url.fragment().empty()) {
        next->url = next->url.join(fmt::format("#{}", last.url.fragment()));
    }
    if (next->url.origin() != last.url.origin()) {
        for (const char* name : {"Authorization", "Cookie", "Proxy-Authorization", "Host"}) {
            next->headers.remove(name);
        }
        next->cookies.clear();
    }
    if (next->url.has_credentials()) {
        const Credentials auth{next->url.user(), next->url.password()};
        next->headers.set("Authorization", auth.header());
        next->url = next->url.without_user();
    }
    return next;
}

}  // namespace ringio::http::detail

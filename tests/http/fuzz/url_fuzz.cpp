// A URL, what is joined to it, and a parameter: what Url takes is written as it was read, and
// libcurl, which connects, finds the same host in it.
#include <ringio/http/errors.hpp>
#include <ringio/http/headers.hpp>
#include <ringio/http/url.hpp>
#include <support/fuzzing.hpp>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "targets.hpp"

namespace ringio::fuzz {

using http::InvalidURL;
using http::Url;

namespace {

std::string_view take_line(std::string_view& input) {
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(line.size() + 1, input.size()));
    return line;
}

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::optional<Url> url_of(std::string_view text) {
    try {
        return Url(text);
    } catch (const InvalidURL&) {
        return std::nullopt;
    }
}

std::optional<Url> joined(const Url& base, std::string_view reference) {
    try {
        return base.join(reference);
    } catch (const InvalidURL&) {
        return std::nullopt;
    }
}

// libcurl leaves an address as it was written where the shortest form is no shorter.
std::string shortest(const std::string& address) {
    in6_addr bytes = {};
    std::array<char, INET6_ADDRSTRLEN> text = {};
    const bool is_address = ::inet_pton(AF_INET6, address.c_str(), &bytes) == 1;
    must_hold(is_address, "what libcurl has in brackets is an address");
    return ::inet_ntop(AF_INET6, &bytes, text.data(), text.size());
}

/// A URL as libcurl reads it.
class CurlUrl {
public:
    explicit CurlUrl(const std::string& text) {
        is_valid_ =
            curl_url_set(url_.get(), CURLUPART_URL, text.c_str(), CURLU_PATH_AS_IS) == CURLUE_OK;
    }

    bool is_valid() const noexcept { return is_valid_; }
    std::string host() const {
        std::string host = http::detail::to_lower(part(CURLUPART_HOST));
        return host.starts_with('[') ? shortest(host.substr(1, host.size() - 2)) : host;
    }
    std::string port() const { return part(CURLUPART_PORT); }
    std::string path() const { return part(CURLUPART_PATH); }
    std::string query() const { return part(CURLUPART_QUERY); }

private:
    std::string part(CURLUPart which) const {
        char* text = nullptr;
        if (curl_url_get(url_.get(), which, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) {
            return {};
        }
        const std::unique_ptr<char, decltype(&curl_free)> kept(text, &curl_free);
        return kept.get();
    }

    std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url_{curl_url(), &curl_url_cleanup};
    bool is_valid_ = false;
};

void must_lead_to_the_same_place(const Url& url, const CurlUrl& there) {
    const std::string host = url.host().substr(0, url.host().find('%'));  // the zone stands apart
    must_hold(there.host() == host, "libcurl connects to the host of the URL");
    must_hold(there.port() == std::to_string(url.port()),
              "libcurl connects to the port of the URL");
}

void must_be_understood_by_curl(const Url& url) {
    const CurlUrl there(url.to_string());
    must_hold(there.is_valid() || url.host().find('%') != std::string::npos,
              "libcurl takes the URL, but for a zone that it finds too long");
    if (there.is_valid()) {
        must_lead_to_the_same_place(url, there);
        must_hold(there.path() == url.path(), "libcurl asks for the path of the URL");
        must_hold(there.query() == url.query(), "libcurl asks with the query of the URL");
    }
}

void must_be_whole(const Url& url) {
    const std::string text = url.to_string();
    must_hold(std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; }),
              "a URL is written in visible ASCII");
    must_hold(url.host().empty() != url.unix_socket().empty(), "a URL has a host or a socket");
    must_hold(url.unix_socket().find('\0') == std::string::npos, "a path has no zero byte");
    must_hold(url.port() >= 1 && url.port() <= 65535, "a port is one of 1-65535");
    must_hold(url.path().starts_with('/'), "a path begins with a slash");
    must_hold(Url(text) == url.without_user(), "what is written is read as the same URL");
    if (url.unix_socket().empty()) {
        must_be_understood_by_curl(url);
    }
}

void must_stay_there(const Url& base, std::string_view reference) {
    const std::optional<Url> target = joined(base, reference);
    if (!target) {
        return;
    }
    must_be_whole(*target);
    const std::string_view head = reference.substr(0, reference.find_first_of("/?#"));
    if (head.find(':') == std::string_view::npos && !reference.starts_with("//")) {
        must_hold(target->origin() == base.origin(), "a path leads to no other server");
    }
}

void must_carry(const Url& url, const std::string& value) {
    const Url with = url.with_params({{"name", value}});
    must_be_whole(with);
    std::string carried = with.query().substr(with.query().rfind("name=") + 5);
    std::ranges::replace(carried, '+', ' ');
    must_hold(http::detail::percent_decoded(carried) == value, "a parameter arrives as it is");
}

}  // namespace

void fuzz_url(std::string_view input) {
    const std::string_view text = take_line(input);
    const std::string_view reference = take_line(input);
    const std::optional<Url> url = url_of(text);
    if (!url) {
        return;
    }
    must_be_whole(*url);
    // libcurl is given what is written; beyond ASCII it would read the text by the locale.
    const CurlUrl as_given{std::string(text)};
    if (url->unix_socket().empty() && as_given.is_valid() && is_ascii(text)) {
        must_lead_to_the_same_place(*url, as_given);
    }
    must_stay_there(*url, reference);
    must_carry(*url, std::string(input));
}

}  // namespace ringio::fuzz

// URLs of the form http://host[:port]/path, as far as the example programs need them.
#pragma once

#include <algorithm>
#include <cctype>
#include <charconv>
#include <stdexcept>
#include <string>
#include <string_view>

namespace http {

struct Url {
    std::string host;
    long port = 80;
    std::string authority;  // "host:port", as it was written
    std::string target;     // "/path?query"
};

inline std::string to_lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

inline std::string_view trimmed(std::string_view text) {
    const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
    return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

/// Splits "host", "host:port" or "[::1]:port".
inline void parse_authority(std::string_view authority, Url& url, const std::string& whole) {
    const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
    const std::size_t colon = authority.find(':', std::min(bracket, authority.size()));
    url.host = authority.substr(0, colon);
    if (bracket != 0 && url.host.ends_with(']')) {
        url.host = url.host.substr(1, url.host.size() - 2);
    }
    const bool malformed = url.host.empty() || url.host.find_first_of("[]@") != std::string::npos;
    if (malformed) {
        throw std::invalid_argument("this URL names no valid host: " + whole);
    }
    if (colon == std::string_view::npos) {
        return;
    }
    const std::string_view port = authority.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || end != port.data() + port.size() || url.port < 1 ||
        url.port > 65535) {
        throw std::invalid_argument("this URL has no valid port: " + whole);
    }
}

/// Takes a URL apart. *Errors*: std::invalid_argument that says what is wrong with it.
inline Url parse_url(const std::string& text) {
    const std::size_t scheme_end = text.find("://");
    const std::string scheme =
        scheme_end == std::string::npos ? "" : to_lower(text.substr(0, scheme_end));
    if (scheme == "https") {
        throw std::invalid_argument("https is not supported yet: " + text);
    }
    if (scheme != "http") {
        throw std::invalid_argument("this is no URL of the form http://host[:port]/path: " + text);
    }
    // Spaces, control characters and letters beyond ASCII must come percent-encoded.
    if (std::any_of(text.begin(), text.end(),
                    [](unsigned char c) { return c <= ' ' || c >= 0x7f; })) {
        throw std::invalid_argument("this URL has characters that must be percent-encoded: " +
                                    text);
    }
    const std::string_view rest =
        std::string_view(text).substr(scheme_end + 3, text.find('#') - scheme_end - 3);
    const std::size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
    Url url;
    url.authority = rest.substr(0, authority_end);
    parse_authority(url.authority, url, text);
    url.target = rest.substr(authority_end);
    if (!url.target.starts_with('/')) {
        url.target.insert(0, "/");
    }
    return url;
}

}  // namespace http

#include <ringio/http/url.hpp>

#include "host_name.hpp"
#include "percent_encoding.hpp"

#include <ringio/http/errors.hpp>
#include <ringio/http/headers.hpp>
#include <ringio/io/address.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace ringio::http {
namespace {

using detail::Blank;
using detail::Encoded;
using detail::is_letter_or_digit;
using detail::path_safe;
using detail::query_safe;
using detail::quoted;
using detail::socket_safe;
using detail::unreserved;

// RFC 3986, 5.2.4, of a path that begins with a slash.
std::string without_dots(std::string_view path) {
    if (path.find("/.") == std::string_view::npos) {
        return std::string(path);
    }
    std::vector<std::string_view> parts;
    bool ends_in_folder = false;
    for (std::size_t at = 1; at <= path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view part = path.substr(at, end - at);
        ends_in_folder = part == "." || part == "..";
        if (part == ".." && !parts.empty()) {
            parts.pop_back();
        } else if (!ends_in_folder) {
            parts.push_back(part);
        }
        at = end + 1;
    }
    std::string result;
    for (const std::string_view part : parts) {
        result += '/';
        result += part;
    }
    if (result.empty() || ends_in_folder) {
        result += '/';
    }
    return result;
}

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
    throw InvalidURL(fmt::format("{}: {}", detail::shown(text), why));
}

void refuse_controls(std::string_view text) {
    const bool has_controls = std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    });
    if (has_controls) {
        refuse(text, "a URL has no line ends, zero bytes or other control characters in it");
    }
}

bool is_scheme(std::string_view text) noexcept {
    return !text.empty() && !(text[0] >= '0' && text[0] <= '9') &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return is_letter_or_digit(c) || c == '+' || c == '-' || c == '.';
           });
}

/// Whether all of it that is ASCII may stand in a host.
bool is_host(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x80 || unreserved.has(c);
    });
}

// Resolvers and libcurl take "127.1", "0x7f.0.0.1" and "2130706433" for the address that they are;
// so must who looks at host(). Empty: it is a name.
std::string ipv4_of(const std::string& host) {
    in_addr address = {};
    const bool begins_as_number = !host.empty() && host[0] >= '0' && host[0] <= '9';
    if (begins_as_number && ::inet_pton(AF_INET, host.c_str(), &address) == 1) {
        return host;
    }
    if (!begins_as_number || ::inet_aton(host.c_str(), &address) == 0) {
        return {};
    }
    const std::uint32_t number = ntohl(address.s_addr);
    return fmt::format("{}.{}.{}.{}", number >> 24, (number >> 16) & 255, (number >> 8) & 255,
                       number & 255);
}

// RFC 6874: "[fe80::1%25eth0]"; browsers and libcurl take a bare '%', too.
std::string zone_of(std::string_view text) {
    if (text.starts_with("25") && text.size() > 2) {
        text.remove_prefix(2);
    }
    return !text.empty() && unreserved.have(text) ? fmt::format("%{}", text) : std::string();
}

/// The address that is between brackets, in its shortest form; empty: there is none.
std::string ipv6_of(std::string_view text) {
    const std::size_t percent = std::min(text.find('%'), text.size());
    const bool has_zone = percent != text.size();
    const std::string address = detail::to_lower(text.substr(0, percent));
    const std::string zone = has_zone ? zone_of(text.substr(percent + 1)) : std::string();
    if (address.find(':') == std::string::npos || zone.empty() == has_zone) {
        return {};
    }
    const std::optional<SocketAddress> literal = SocketAddress::from_literal(address + zone, 1);
    return literal ? literal->host() + zone : std::string();
}

}  // namespace

Url::Url(std::string_view text) {
    refuse_controls(text);
    const std::size_t scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos || !is_scheme(text.substr(0, scheme_end))) {
        refuse(text, "this is no URL of the form http://host/path");
    }
    scheme_ = detail::to_lower(text.substr(0, scheme_end));
    if (scheme_ != "http" && scheme_ != "https" && scheme_ != "http+unix") {
        refuse(text, "only http, https and http+unix are spoken");
    }
    const std::string_view rest = text.substr(scheme_end + 3);
    const auto authority_end = std::find_if(
        rest.begin(), rest.end(), [](char c) { return c == '/' || c == '?' || c == '#'; });
    parse_authority({rest.begin(), authority_end}, text);
    parse_rest({authority_end, rest.end()});
}

void Url::parse_authority(std::string_view authority, std::string_view whole) {
    if (authority.find('\\') != std::string_view::npos) {
        refuse(whole, "it names no valid host");  // browsers take it for a slash
    }
    if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
        const std::string_view user = authority.substr(0, at);
        const std::size_t colon = std::min(user.find(':'), user.size());
        if (user.find('@') != std::string_view::npos) {
            refuse(whole, "an @ in user or password must be percent-encoded");
        }
        user_ = detail::percent_decoded(user.substr(0, colon));
        password_ = detail::percent_decoded(user.substr(std::min(colon + 1, user.size())));
        authority.remove_prefix(at + 1);
    }
    if (scheme_ == "http+unix") {
        unix_socket_ = detail::percent_decoded(authority);
        if (unix_socket_.empty() || unix_socket_.find('\0') != std::string::npos) {
            refuse(whole, "it names no socket");
        }
        return;
    }
    const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
    if (bracket == std::string_view::npos) {
        refuse(whole, "a bracket is not closed");
    }
    const std::size_t colon = std::min(authority.find(':', bracket), authority.size());
    parse_host(authority.substr(0, colon), whole);
    const std::string_view port = authority.substr(std::min(colon + 1, authority.size()));
    if (!port.empty()) {
        const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), port_);
        if (error != std::errc() || end != port.data() + port.size() || port_ < 1 ||
            port_ > 65535) {
            refuse(whole, "its port is no number of 1-65535");
        }
        if (port_ == scheme_port()) {
            port_ = 0;
        }
    }
}

void Url::parse_host(std::string_view host, std::string_view whole) {
    if (host.starts_with('[')) {
        host_ = host.ends_with(']') ? ipv6_of(host.substr(1, host.size() - 2)) : "";
        if (host_.empty()) {
            refuse(whole, "there is no IPv6 address in its brackets");
        }
        host_is_address_ = true;
        return;
    }
    if (!is_host(host)) {
        refuse(whole, "it names no valid host");
    }
    try {
        host_ = detail::to_lower(detail::ascii_host(host));
    } catch (const std::invalid_argument& error) {
        refuse(whole, error.what());
    }
    if (!is_host(host_) || host_.size() > 255) {  // "℀" has become "a/c"
        refuse(whole, "it names no valid host");
    }
    if (std::string address = ipv4_of(host_); !address.empty()) {
        host_ = std::move(address);
        host_is_address_ = true;
    }
}

void Url::parse_rest(std::string_view rest) {
    const std::size_t hash = std::min(rest.find('#'), rest.size());
    fragment_ = quoted(rest.substr(std::min(hash + 1, rest.size())), query_safe, Blank::percent,
                       Encoded::stays);
    rest = rest.substr(0, hash);
    const std::size_t mark = std::min(rest.find('?'), rest.size());
    query_ = quoted(rest.substr(std::min(mark + 1, rest.size())), query_safe, Blank::plus,
                    Encoded::stays);
    const std::string path =
        quoted(rest.substr(0, mark), path_safe, Blank::percent, Encoded::stays);
    path_ = without_dots(path.empty() ? "/" : path);
}

unsigned Url::port() const noexcept { return port_ != 0 ? port_ : scheme_port(); }

std::string Url::origin() const {
    if (!unix_socket_.empty()) {
        return fmt::format("{}://{}", scheme_,
                           quoted(unix_socket_, socket_safe, Blank::percent, Encoded::again));
    }
    std::string result = scheme_;
    result += "://";
    if (host_.find(':') != std::string::npos) {
        const std::size_t percent = std::min(host_.find('%'), host_.size());
        const std::string_view zone = std::string_view(host_).substr(percent);
        result += fmt::format("[{}{}{}]", host_.substr(0, percent), zone.empty() ? "" : "%25",
                              zone.substr(zone.empty() ? 0 : 1));
    } else {
        result += host_;
    }
    if (port_ != 0) {
        result += ':';
        result += std::to_string(port_);
    }
    return result;
}

std::string Url::to_string() const {
    std::string result = origin();
    result += path_;
    if (!query_.empty()) {
        result += '?';
        result += query_;
    }
    if (!fragment_.empty()) {
        result += '#';
        result += fragment_;
    }
    return result;
}

Url Url::join(std::string_view reference) const {
    refuse_controls(reference);
    const std::size_t colon = reference.find_first_of(":/?#");
    const bool has_scheme = colon != std::string_view::npos && reference[colon] == ':' &&
                            is_scheme(reference.substr(0, colon));
    if (has_scheme) {
        return Url(reference);
    }
    if (reference.starts_with("//")) {
        return Url(fmt::format("{}:{}", scheme_, reference));
    }
    Url joined = *this;
    joined.fragment_.clear();
    if (reference.starts_with('/')) {
        joined.parse_rest(reference);
    } else if (reference.starts_with('?')) {
        joined.parse_rest(fmt::format("{}{}", path_, reference));
    } else if (reference.empty() || reference.starts_with('#')) {
        joined.parse_rest(fmt::format("{}?{}{}", path_, query_, reference));
    } else {
        joined.parse_rest(fmt::format("{}{}", path_.substr(0, path_.rfind('/') + 1), reference));
    }
    return joined;
}

Url Url::with_params(const FieldList& params) const {
    Url result = *this;
    const std::string more = detail::form_encoded(params);
    if (!result.query_.empty() && !more.empty()) {
        result.query_ += '&';
    }
    result.query_ += more;
    return result;
}

Url Url::without_user() const {
    Url result = *this;
    result.user_.clear();
    result.password_.clear();
    return result;
}

}  // namespace ringio::http

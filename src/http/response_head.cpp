#include "response_head.hpp"

#include <ringio/http/errors.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <system_error>
#include <utility>

namespace ringio::http::detail {
namespace {

bool is_length(std::string_view text) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [parsed, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && parsed == end &&
           value <= std::numeric_limits<std::int64_t>::max();
}

/// Of several lengths libcurl believes the last one, of "0x10" the zero, and of one that is too
/// large none: a body that is cut would look whole. RFC 9112, 6.3.
bool has_length_that_cannot_be(const Headers& headers) {
    const std::string* first = nullptr;
    bool cannot_be = false;
    for (const auto& [name, value] : headers) {
        if (same_name(name, "Transfer-Encoding")) {
            return false;
        }
        if (same_name(name, "Content-Length")) {
            if (first == nullptr) {
                first = &value;
            }
            cannot_be = cannot_be || value != *first || !is_length(value);
        }
    }
    return cannot_be;
}

}  // namespace

bool HeadReader::take(std::string_view line, const Url& url) {
    size_ += line.size();
    if (size_ > size_max) {
        throw ClientResponseError(400, fmt::format("the head is longer than {} bytes", size_max),
                                  url.to_string());
    }
    if (line.empty() || line.front() == '\r' || line.front() == '\n') {  // whatever follows there
        is_begun_ = false;
        if (has_length_that_cannot_be(head_.headers)) {
            throw ClientResponseError(400, "no Content-Length that can be", url.to_string());
        }
        return head_.status >= 200 || head_.status == 101;  // else the true one is to come
    }
    if (!std::exchange(is_begun_, true) && line.starts_with("HTTP/")) {
        begin(trimmed(line));
    } else if (line.front() == ' ' || line.front() == '\t') {
        head_.headers.append_to_last(trimmed(line));
    } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
        head_.headers.add(line.substr(0, colon), trimmed(line.substr(colon + 1)));
    } else {
        head_.headers.add(trimmed(line), {});
    }
    return false;
}

void HeadReader::check(std::string_view piece, const Url& url) {
    const bool begins_line = std::exchange(begins_line_, piece.ends_with('\n'));
    const bool is_first = begins_line && is_begun_ && head_.headers.empty();
    if (is_first && (piece.starts_with(' ') || piece.starts_with('\t'))) {
        throw ClientResponseError(400, "the first header begins with a blank", url.to_string());
    }
}

// "HTTP/1.1 404 Not Found"
void HeadReader::begin(std::string_view status_line) {
    head_ = {};
    head_.headers.reserve(8);
    const std::size_t blank = std::min(status_line.find(' '), status_line.size());
    head_.version = status_line.substr(5, blank - 5);
    const std::string_view rest = trimmed(status_line.substr(blank));
    const std::string_view status = rest.substr(0, 3);
    std::from_chars(status.data(), status.data() + status.size(), head_.status);
    head_.reason = trimmed(rest.substr(status.size()));
}

std::map<std::string, std::string> cookies_of(const Headers& headers) {
    std::map<std::string, std::string> cookies;
    for (const std::string& line : headers.getall("Set-Cookie")) {
        const std::string_view pair = std::string_view(line).substr(0, line.find(';'));
        const std::size_t equals = pair.find('=');
        if (equals != std::string_view::npos) {
            cookies.insert_or_assign(std::string(trimmed(pair.substr(0, equals))),
                                     std::string(trimmed(pair.substr(equals + 1))));
        }
    }
    return cookies;
}

std::string content_type_of(const Headers& headers) {
    const std::string_view type = headers.get("Content-Type", "application/octet-stream");
    return to_lower(trimmed(type.substr(0, type.find(';'))));
}

std::string charset_of(const Headers& headers) {
    const std::string type = to_lower(headers.get("Content-Type"));
    const std::size_t at = type.find("charset=");
    if (at == std::string::npos) {
        return {};
    }
    std::string_view name = std::string_view(type).substr(at + 8);
    name = trimmed(name.substr(0, name.find(';')));
    const bool is_quoted = name.size() > 1 && name.front() == '"' && name.back() == '"';
    return std::string(is_quoted ? name.substr(1, name.size() - 2) : name);
}

}  // namespace ringio::http::detail

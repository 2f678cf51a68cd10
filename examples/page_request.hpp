// The requests that the page server takes: GET or HEAD of a path, read with limits on everything
// that a stranger can make long.
#pragma once

#include <ringio.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace pages {

inline constexpr std::size_t line_max = 8 * 1024;
inline constexpr std::size_t headers_max = 64 * 1024;
inline constexpr std::size_t header_count_max = 100;

inline std::string_view reason(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 206:
            return "Partial Content";
        case 400:
            return "Bad Request";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 414:
            return "URI Too Long";
        case 416:
            return "Range Not Satisfiable";
        case 431:
            return "Request Header Fields Too Large";
        default:
            return "HTTP Version Not Supported";
    }
}

/// A request that is not answered with a page.
class HttpError : public std::runtime_error {
public:
    /// `header` goes with the answer: "Allow: GET\r\n".
    HttpError(int status, const std::string& text, std::string header = "")
        : std::runtime_error(text), status_(status), header_(std::move(header)) {}

    int status() const noexcept { return status_; }
    const std::string& header() const noexcept { return header_; }

private:
    int status_;
    std::string header_;
};

struct Request {
    std::string method;
    std::string target;         // as it was sent: "/a%20b.txt?query"
    std::string range = {};     // what the header Range says; empty without one
    std::string if_range = {};  // the same of If-Range
};

/// Undoes percent-encoding, once. *Errors*: HttpError 400 when it is malformed.
inline std::string percent_decoded(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        const std::string_view digits = text.substr(i + 1, 2);
        unsigned char byte = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
        if (error != std::errc() || digits.size() != 2 || end != digits.data() + 2) {
            throw HttpError(400, "the path is not well encoded");
        }
        decoded += static_cast<char>(byte);
        i += 2;
    }
    return decoded;
}

/// From a request's target to a relative path: "a b.txt". *Errors*: HttpError 400.
inline std::string path_of_target(std::string_view target) {
    if (!target.starts_with('/')) {
        throw HttpError(400, "the target is not a path");
    }
    std::string path = percent_decoded(target.substr(0, target.find_first_of("?#")));
    if (path.find('\0') != std::string::npos || (path + '/').find("/../") != std::string::npos) {
        throw HttpError(400, "the path is not allowed");
    }
    path.erase(0, path.find_first_not_of('/'));
    if (path.empty() || path.ends_with('/')) {
        path += "index.html";
    }
    return path;
}

/// "GET /path HTTP/1.1" in its three parts. *Errors*: HttpError.
inline Request parse_request_line(std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == 0 || first == last) {
        throw HttpError(400, "the request line has not three parts");
    }
    const std::string_view version = line.substr(last + 1);
    if (!version.starts_with("HTTP/")) {
        throw HttpError(400, "the request is not HTTP");
    }
    if (version != "HTTP/1.1" && version != "HTTP/1.0") {
        throw HttpError(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    }
    const std::string_view target = line.substr(first + 1, last - first - 1);
    if (std::any_of(target.begin(), target.end(), [](unsigned char c) { return c <= ' '; })) {
        throw HttpError(400, "the target has spaces or control characters");
    }
    const std::string_view method = line.substr(0, first);
    if (method != "GET" && method != "HEAD") {
        throw HttpError(405, "only GET and HEAD are answered", "Allow: GET, HEAD\r\n");
    }
    return {.method = std::string(method), .target = std::string(target)};
}

/// Reads a line without its end. *Errors*: HttpError: `too_long`, or 400 when the request ends.
inline ringio::Task<std::string> read_line(ringio::StreamReader& reader, int too_long) {
    std::string line;
    try {
        line = co_await reader.readline();
    } catch (const std::invalid_argument&) {
        throw HttpError(too_long, "the line is too long");
    }
    if (!line.ends_with('\n')) {
        throw HttpError(400, "the request ends too early");
    }
    line.pop_back();
    if (line.ends_with('\r')) {
        line.pop_back();
    }
    co_return line;
}

/// Keeps what a header says, if it is one that matters here. *Errors*: HttpError 400.
inline void take_header(std::string_view header, Request& ranges) {
    const std::size_t colon = header.find(':');
    if (colon == 0 || colon == std::string_view::npos) {
        throw HttpError(400, "a header has no name");
    }
    std::string name(header.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::string_view value = header.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    value = value.substr(0, value.find_last_not_of(" \t") + 1);
    if (name == "range") {
        ranges.range = value;
    } else if (name == "if-range") {
        ranges.if_range = value;
    }
}

/// Reads a request with its headers. *Errors*: HttpError.
inline ringio::Task<Request> read_request(ringio::StreamReader& reader) {
    const std::string request_line = co_await read_line(reader, 414);
    Request ranges;
    std::size_t size = 0;
    for (std::size_t count = 0;; ++count) {
        const std::string header = co_await read_line(reader, 431);
        if (header.empty()) {
            break;
        }
        size += header.size();
        if (count == header_count_max || size > headers_max) {
            throw HttpError(431, "there are too many headers");
        }
        take_header(header, ranges);
    }
    Request request = parse_request_line(request_line);
    request.range = ranges.range;
    request.if_range = ranges.if_range;
    co_return request;
}

}  // namespace pages

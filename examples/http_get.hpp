// A small HTTP/1.1 client: http_get(url) fetches one page over a connection of its own.
// Python: aiohttp's `async with session.get(url) as response: await response.read()`.
#pragma once

#include "url.hpp"

#include <fmt/core.h>
#include <ringio.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace http {

inline constexpr std::size_t header_count_max = 200;
inline constexpr std::size_t body_max = 64 * 1024 * 1024;

struct Response {
    int status = 0;
    std::string reason;
    std::string body;
};

/// How the length of a body is told.
struct Framing {
    bool chunked = false;
    std::optional<std::size_t> length;  // none: until the connection is closed
};

/// Reads a whole number. *Errors*: std::runtime_error that says `what` it was to be.
inline std::size_t parse_size(std::string_view text, int base, const char* what) {
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size, base);
    if (error != std::errc() || end != text.data() + text.size()) {
        throw std::runtime_error(fmt::format("the server sent no valid {}: '{}'", what, text));
    }
    return size;
}

inline void check_body_size(std::size_t size) {
    if (size > body_max) {
        throw std::runtime_error(fmt::format("the page is larger than {} bytes", body_max));
    }
}

/// Reads a line without its end.
inline ringio::Task<std::string> read_line(ringio::StreamReader& reader) {
    std::string line = co_await reader.readline();
    if (!line.ends_with('\n')) {
        throw std::runtime_error("the server closed the connection before its answer was complete");
    }
    line.pop_back();
    if (line.ends_with('\r')) {
        line.pop_back();
    }
    co_return line;
}

/// "HTTP/1.1 200 OK" in its parts.
inline Response parse_status_line(std::string_view line) {
    if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ') {
        throw std::runtime_error(fmt::format("the server does not speak HTTP/1: '{:.40}'", line));
    }
    Response response;
    response.status = static_cast<int>(parse_size(line.substr(9, 3), 10, "status"));
    response.reason = line.substr(std::min<std::size_t>(13, line.size()));
    return response;
}

/// Takes from a header what it says about the body.
inline void take_header(std::string_view header, Framing& framing) {
    const std::size_t colon = header.find(':');
    if (colon == std::string_view::npos) {
        throw std::runtime_error(
            fmt::format("the server sent a malformed header: '{:.40}'", header));
    }
    const std::string name = to_lower(header.substr(0, colon));
    const std::string_view value = trimmed(header.substr(colon + 1));
    if (name == "transfer-encoding") {
        if (to_lower(value) != "chunked") {
            throw std::runtime_error(fmt::format("the transfer encoding '{}' is unknown", value));
        }
        framing.chunked = true;
    } else if (name == "content-length") {
        const std::size_t length = parse_size(value, 10, "Content-Length");
        if (framing.length && *framing.length != length) {
            throw std::runtime_error("the server sent two different Content-Lengths");
        }
        framing.length = length;
    }
}

inline ringio::Task<Framing> read_headers(ringio::StreamReader& reader) {
    Framing framing;
    for (std::size_t count = 0; count <= header_count_max; ++count) {
        const std::string header = co_await read_line(reader);
        if (header.empty()) {
            co_return framing;
        }
        take_header(header, framing);
    }
    throw std::runtime_error("the server sent too many headers");
}

inline ringio::Task<std::string> read_chunked(ringio::StreamReader& reader) {
    std::string body;
    for (;;) {
        const std::string line = co_await read_line(reader);
        const std::size_t size =
            parse_size(trimmed(std::string_view(line).substr(0, line.find(';'))), 16, "chunk size");
        if (size == 0) {
            break;
        }
        check_body_size(size);
        check_body_size(body.size() + size);
        body += co_await reader.readexactly(static_cast<std::ptrdiff_t>(size));
        const std::string end = co_await read_line(reader);
        if (!end.empty()) {
            throw std::runtime_error("the server sent a chunk that is longer than it said");
        }
    }
    co_await read_headers(reader);  // the trailers
    co_return body;
}

inline ringio::Task<std::string> read_body(ringio::StreamReader& reader, Framing framing) {
    if (framing.chunked) {
        co_return co_await read_chunked(reader);
    }
    if (framing.length) {
        check_body_size(*framing.length);
        co_return co_await reader.readexactly(static_cast<std::ptrdiff_t>(*framing.length));
    }
    std::string body;
    for (;;) {
        const std::string part = co_await reader.read(64 * 1024);
        if (part.empty()) {
            co_return body;
        }
        body += part;
        check_body_size(body.size());
    }
}

inline ringio::Task<Response> fetch(Url url) {
    auto [reader, writer] = co_await ringio::open_connection(url.host, url.port);
    writer.write(
        fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: ringio\r\nAccept: */*\r\n"
                    "Connection: close\r\n\r\n",
                    url.target, url.authority));
    co_await writer.drain();
    for (;;) {
        const std::string status_line = co_await read_line(reader);
        Response response = parse_status_line(status_line);
        const Framing framing = co_await read_headers(reader);
        if (response.status >= 100 && response.status < 200) {
            continue;  // "103 Early Hints": the answer is still to come
        }
        if (response.status != 204 && response.status != 304) {
            response.body = co_await read_body(reader, framing);
        }
        writer.close();
        co_return response;
    }
}

/// Fetches a page. Redirections are not followed; any status is a result.
/// *Errors*: std::runtime_error that names the URL; std::invalid_argument for a malformed one.
inline ringio::Task<Response> get(std::string url, ringio::Delay limit = std::chrono::seconds(30)) {
    const Url parsed = parse_url(url);
    try {
        co_return co_await ringio::wait_for(fetch(parsed), limit);
    } catch (const ringio::TimeoutError&) {
        throw std::runtime_error(url + ": no complete answer in time");
    } catch (const std::exception& error) {
        throw std::runtime_error(url + ": " + error.what());
    }
}

}  // namespace http

#include <ringio/http/multipart.hpp>

#include <fmt/core.h>

#include <random>
#include <stdexcept>

namespace ringio::http {
namespace {

// As browsers do: WHATWG, multipart/form-data encoding algorithm.
std::string quoted_name(std::string_view name) {
    std::string result;
    for (const char c : name) {
        if (c == '\r' || c == '\n' || c == '"') {
            result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        } else {
            result += c;
        }
    }
    return result;
}

void check(std::string_view text, std::string_view forbidden) {
    if (text.find_first_of(forbidden) != std::string_view::npos) {
        throw std::invalid_argument("a part has a line end or a zero byte in its name or type");
    }
}

}  // namespace

std::string Multipart::encoded(std::string_view boundary) const {
    std::string body;
    for (const Part& part : parts_) {
        if (!part.is_given()) {
            continue;
        }
        check(part.name(), std::string_view("\0", 1));
        check(part.filename(), std::string_view("\0", 1));
        check(part.content_type(), std::string_view("\r\n\0", 3));
        body += fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"", boundary,
                            quoted_name(part.name()));
        if (!part.filename().empty()) {
            body += fmt::format("; filename=\"{}\"", quoted_name(part.filename()));
        }
        body += "\r\n";
        const bool is_file = !part.filename().empty();
        if (!part.content_type().empty() || is_file) {
            body += fmt::format("Content-Type: {}\r\n", part.content_type().empty()
                                                            ? "application/octet-stream"
                                                            : part.content_type());
        }
        body += "\r\n";
        body += part.content();
        body += "\r\n";
    }
    body += fmt::format("--{}--\r\n", boundary);
    return body;
}

namespace detail {

std::string random_boundary() {
    std::random_device random;
    std::string boundary;
    for (int word = 0; word < 4; ++word) {
        boundary += fmt::format("{:08x}", random());
    }
    return boundary;
}

}  // namespace detail
}  // namespace ringio::http

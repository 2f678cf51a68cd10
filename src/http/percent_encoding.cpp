#include "percent_encoding.hpp"

#include <ringio/http/url.hpp>

#include <optional>

namespace ringio::http::detail {
namespace {

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// The byte that "%41" at `at` stands for.
std::optional<char> encoded_byte(std::string_view text, std::size_t at) noexcept {
    if (at + 2 >= text.size() || text[at] != '%') {
        return std::nullopt;
    }
    const int high = hex_value(text[at + 1]);
    const int low = hex_value(text[at + 2]);
    return high < 0 || low < 0 ? std::nullopt
                               : std::optional<char>(static_cast<char>(high * 16 + low));
}

void append_encoded(std::string& result, char c) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    result += '%';
    result += digits[byte >> 4];
    result += digits[byte & 15];
}

}  // namespace

std::string quoted(std::string_view text, const Characters& safe, Blank blank, Encoded encoded) {
    if (safe.have(text)) {
        return std::string(text);
    }
    std::string result;
    result.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        const std::optional<char> byte =
            encoded == Encoded::stays ? encoded_byte(text, at) : std::nullopt;
        if (byte) {
            if (unreserved.has(*byte)) {
                result += *byte;
            } else {
                append_encoded(result, *byte);
            }
            at += 2;
        } else if (safe.has(c)) {
            result += c;
        } else if (c == ' ' && blank == Blank::plus) {
            result += '+';
        } else {
            append_encoded(result, c);
        }
    }
    return result;
}

std::string form_encoded(const FieldList& fields) {
    std::string result;
    for (const auto& [name, value] : fields) {
        if (!result.empty()) {
            result += '&';
        }
        result += quoted(name, param_safe, Blank::plus, Encoded::again);
        result += '=';
        result += quoted(value, param_safe, Blank::plus, Encoded::again);
    }
    return result;
}

std::string percent_decoded(std::string_view text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (const std::optional<char> byte = encoded_byte(text, at)) {
            result += *byte;
            at += 2;
        } else {
            result += text[at];
        }
    }
    return result;
}

}  // namespace ringio::http::detail

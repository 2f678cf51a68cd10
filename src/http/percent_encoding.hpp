// Percent-encoding, as URLs and forms have it: RFC 3986, 2; yarl's choices of what stays as it is.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace ringio::http::detail {

constexpr bool is_letter_or_digit(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// Letters, digits, and some more.
class Characters {
public:
    explicit constexpr Characters(std::string_view more) noexcept {
        for (std::size_t byte = 0; byte < has_.size(); ++byte) {
            const char c = static_cast<char>(static_cast<unsigned char>(byte));
            has_[byte] = is_letter_or_digit(c) || more.find(c) != std::string_view::npos;
        }
    }

    constexpr bool has(char c) const noexcept { return has_[static_cast<unsigned char>(c)]; }
    constexpr bool have(std::string_view text) const noexcept {
        return std::all_of(text.begin(), text.end(), [this](char c) { return has(c); });
    }

private:
    std::array<bool, 256> has_ = {};
};

inline constexpr Characters unreserved("-._~");  // in a host libcurl refuses all others
inline constexpr Characters path_safe("-._~!$&'()*+,;=:@/");
inline constexpr Characters query_safe("-._~!$&'()*+,;=:@/?");
inline constexpr Characters param_safe("-._~!$'()*,?/:@");
inline constexpr Characters socket_safe("-._~!$&'()*+,;=");

enum class Blank : bool { percent, plus };
enum class Encoded : bool { again, stays };

/// A text with all that is not `safe` encoded. What is encoded already, where that stays, comes in
/// its usual form: capital digits, and what is unreserved plainly.
std::string quoted(std::string_view text, const Characters& safe, Blank blank, Encoded encoded);

}  // namespace ringio::http::detail

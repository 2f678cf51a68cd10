#include <ringio/http/headers.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>

namespace ringio::http {
namespace {

// RFC 9110, 5.6.2.
bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c; }

}  // namespace

bool same_name(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char left, char right) { return lower(left) == lower(right); });
}

const std::string* Headers::find(std::string_view name) const noexcept {
    const auto found = std::find_if(fields_.begin(), fields_.end(), [&](const value_type& field) {
        return same_name(field.first, name);
    });
    return found == fields_.end() ? nullptr : &found->second;
}

std::string_view Headers::get(std::string_view name, std::string_view otherwise) const noexcept {
    const std::string* const found = find(name);
    return found == nullptr ? otherwise : std::string_view(*found);
}

const std::string& Headers::at(std::string_view name) const {
    const std::string* const found = find(name);
    if (found == nullptr) {
        throw std::out_of_range(fmt::format("there is no header {}", name));
    }
    return *found;
}

std::vector<std::string> Headers::getall(std::string_view name) const {
    std::vector<std::string> values;
    for (const auto& [field, value] : fields_) {
        if (same_name(field, name)) {
            values.push_back(value);
        }
    }
    return values;
}

void Headers::set(std::string name, std::string value) {
    remove(name);
    fields_.emplace_back(std::move(name), std::move(value));
}

void Headers::append_to_last(std::string_view more) {
    if (!fields_.empty()) {
        fields_.back().second += ' ';
        fields_.back().second += more;
    }
}

std::size_t Headers::remove(std::string_view name) noexcept {
    return std::erase_if(fields_,
                         [&](const value_type& field) { return same_name(field.first, name); });
}

namespace detail {

void check_header(std::string_view name, std::string_view value) {
    if (!is_token(name)) {
        throw std::invalid_argument(fmt::format("{} is no name of a header", shown(name)));
    }
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
        throw std::invalid_argument(
            fmt::format("the value of the header {} has a line end or a zero byte in it", name));
    }
}

void check_method(std::string_view method) {
    if (!is_token(method)) {
        throw std::invalid_argument(fmt::format("{} is no method", shown(method)));
    }
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

std::string to_lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), lower);
    return result;
}

std::string to_upper(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), upper);
    return result;
}

std::string shown(std::string_view text) {
    std::string result = "'";
    for (const char c : text.substr(0, 200)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            result += fmt::format("\\x{:02x}", byte);
        } else {
            result += c;
        }
    }
    result += text.size() > 200 ? "…'" : "'";
    return result;
}

}  // namespace detail
}  // namespace ringio::http

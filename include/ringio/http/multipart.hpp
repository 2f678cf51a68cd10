// Multipart: the parts of a form with files, as they are written in a call.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

namespace ringio::http {

/// One part of multipart/form-data: `{"name", "text"}`, `{"file", bytes, "a.png", "image/png"}`.
/// *Lifetime*: as Fields.
class Part {
public:
    constexpr Part() noexcept = default;
    template <class Text>
        requires std::convertible_to<const Text&, std::string_view>
    constexpr Part(std::string_view name, const Text& content, std::string_view filename = {},
                   std::string_view content_type = {}) noexcept
        : name_(name), content_(content), filename_(filename), content_type_(content_type) {}

    constexpr bool is_given() const noexcept { return name_.data() != nullptr; }
    constexpr std::string_view name() const noexcept { return name_; }
    constexpr std::string_view content() const noexcept { return content_; }
    constexpr std::string_view filename() const noexcept { return filename_; }
    constexpr std::string_view content_type() const noexcept { return content_type_; }

private:
    std::string_view name_ = {};
    std::string_view content_ = {};
    std::string_view filename_ = {};
    std::string_view content_type_ = {};
};

/// The parts, at most eight; aiohttp.FormData.
class Multipart {
public:
    static constexpr std::size_t max_in_braces = 8;

    constexpr Multipart() noexcept = default;
    // GCC 12: as Fields.
    constexpr Multipart(Part a, Part b = {}, Part c = {}, Part d = {}, Part e = {}, Part f = {},
                        Part g = {}, Part h = {}) noexcept
        : parts_{a, b, c, d, e, f, g, h} {}

    constexpr bool is_given() const noexcept { return parts_[0].is_given(); }

    /// The body, with `boundary` between its parts. *Errors*: std::invalid_argument for a zero byte
    /// or a line end in a name or a type.
    std::string encoded(std::string_view boundary) const;

private:
    std::array<Part, max_in_braces> parts_ = {};
};

namespace detail {

/// A text that no body has in it, but by chance.
std::string random_boundary();

}  // namespace detail
}  // namespace ringio::http

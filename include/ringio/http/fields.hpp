// Fields: names with values, as they are written in a call: parameters of a query, headers, a form.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ringio::http {

using FieldList = std::vector<std::pair<std::string, std::string>>;

/// One name and its value: a text or a number. *Python*: a bool is refused there, too.
class Field {
public:
    constexpr Field() noexcept = default;
    template <class Text>
        requires std::convertible_to<const Text&, std::string_view>
    constexpr Field(std::string_view name, const Text& text) noexcept
        : name_(name), value_(std::string_view(text)) {}
    template <std::integral Number>
        requires(!std::same_as<Number, bool>)
    constexpr Field(std::string_view name, Number number) noexcept
        : name_(name), value_(static_cast<long long>(number)) {}
    template <std::floating_point Number>
    constexpr Field(std::string_view name, Number number) noexcept
        : name_(name), value_(static_cast<double>(number)) {}

    constexpr bool is_given() const noexcept { return name_.data() != nullptr; }
    constexpr std::string_view name() const noexcept { return name_; }
    /// The value as a text.
    std::string value() const;

private:
    std::string_view name_ = {};
    std::variant<std::string_view, long long, double> value_ = {};
};

/// Refers to names with values: `{{"q", "ringio"}, {"page", 2}}`, at most ten in braces, or any
/// range of pairs of texts, such as a std::map<std::string, std::string>. A name may come twice.
///
/// *Lifetime*: what it refers to must live until the function that takes it has been called.
class Fields {
public:
    static constexpr std::size_t max_in_braces = 10;

    constexpr Fields() noexcept = default;

    // GCC 12: neither a std::initializer_list nor a vector can stand in a co_await expression, and
    // no pack takes what is in braces.
    constexpr Fields(Field a, Field b = {}, Field c = {}, Field d = {}, Field e = {}, Field f = {},
                     Field g = {}, Field h = {}, Field i = {}, Field j = {}) noexcept
        : listed_{a, b, c, d, e, f, g, h, i, j}, are_in_braces_(true) {}

    template <std::ranges::input_range Range>
        requires requires(const Range& range) {
            { std::ranges::begin(range)->first } -> std::convertible_to<std::string_view>;
            { std::ranges::begin(range)->second } -> std::convertible_to<std::string_view>;
        }
    constexpr Fields(const Range& range) noexcept
        : range_(std::addressof(range)), copy_([](const void* object) {
              FieldList copied;
              for (const auto& [name, value] : *static_cast<const Range*>(object)) {
                  copied.emplace_back(std::string_view(name), std::string_view(value));
              }
              return copied;
          }) {}

    /// Whether there are any; a range counts even when it is empty.
    constexpr bool is_given() const noexcept { return range_ != nullptr || listed_[0].is_given(); }

    /// Copies them.
    FieldList copied() const;

private:
    std::array<Field, max_in_braces> listed_ = {};
    bool are_in_braces_ = false;  // else none is listed
    const void* range_ = nullptr;
    FieldList (*copy_)(const void* object) = nullptr;
};

}  // namespace ringio::http

// ByteRange: any contiguous memory of bytes, whatever the program calls a byte.
#pragma once

#include <concepts>
#include <cstddef>
#include <ranges>
#include <string_view>
#include <type_traits>

namespace ringio {

/// The types of one byte: char in its three forms, and std::byte.
template <class T>
concept ByteLike = std::same_as<T, char> || std::same_as<T, unsigned char> ||
                   std::same_as<T, signed char> || std::same_as<T, std::byte>;

/// A contiguous range of bytes that is no text already: std::vector<std::byte>, std::span<const
/// unsigned char>, an array. A char array is a text, which ends at its first '\0'.
template <class Range>
concept ByteRange = std::ranges::contiguous_range<Range> && std::ranges::sized_range<Range> &&
                    ByteLike<std::remove_cv_t<std::ranges::range_value_t<Range>>> &&
                    !std::convertible_to<Range, std::string_view>;

namespace detail {

/// The same memory as a text. *Lifetime*: that of the range's memory.
template <ByteRange Range>
std::string_view as_text(const Range& bytes) noexcept {
    return {reinterpret_cast<const char*>(std::ranges::data(bytes)), std::ranges::size(bytes)};
}

}  // namespace detail
}  // namespace ringio

// Values as Python's repr() shows them, for the texts of tasks and futures: strings quoted, long
// texts shortened, None for nothing.
#pragma once

#include <fmt/core.h>

#include <concepts>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>

namespace ringio::detail {

/// Stands for void where a value is needed.
struct Unit {};

std::string repr_text(std::string_view text);
std::string repr_integer(long long value);
std::string repr_integer(unsigned long long value);
std::string repr_number(double value);
std::string shortened(std::string text);

template <class T>
std::string repr(const T& value) {
    if constexpr (std::is_same_v<T, Unit>) {
        return "None";
    } else if constexpr (std::is_same_v<T, bool>) {
        return value ? "True" : "False";
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
        return repr_text(value);
    } else if constexpr (std::signed_integral<T>) {
        return repr_integer(static_cast<long long>(value));
    } else if constexpr (std::unsigned_integral<T>) {
        return repr_integer(static_cast<unsigned long long>(value));
    } else if constexpr (std::is_floating_point_v<T>) {
        return repr_number(static_cast<double>(value));
    } else if constexpr (fmt::is_formattable<T>::value) {
        try {
            return shortened(fmt::format("{}", value));
        } catch (...) {
            return "<value>";  // a report must come through whatever the formatter does
        }
    } else {
        return "<value>";
    }
}

/// "foo" out of "ringio::Task<int> foo(int)"; "<lambda>" for a lambda.
std::string function_name(const std::source_location& where);

/// "main.cpp:12": the file's name without its directories.
std::string file_and_line(const std::source_location& where);

}  // namespace ringio::detail

// json<T>() of an answer by nlohmann's library: for nlohmann::json itself, and whatever it makes of
// one by get<T>(). Include it where that is used; <ringio/http.hpp> does not. Without the library
// (Debian: nlohmann-json3-dev) there is nothing in it.
#pragma once

#include <ringio/http/errors.hpp>
#include <ringio/http/json_decoder.hpp>

#if __has_include(<nlohmann/json.hpp>)

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace ringio::http {
namespace detail {

template <class T>
concept NlohmannReadable = requires(const nlohmann::json& value) {
    { value.template get<T>() } -> std::same_as<T>;
};

}  // namespace detail

/// A text of nothing but blanks is null, as with aiohttp.
template <detail::NlohmannReadable T>
struct JsonDecoder<T> {
    static T decode(std::string_view text) {
        const bool is_blank = text.find_first_not_of(" \t\r\n") == std::string_view::npos;
        try {
            return nlohmann::json::parse(is_blank ? "null" : text).template get<T>();
        } catch (const nlohmann::json::exception& error) {
            throw JSONDecodeError(error.what());
        }
    }
};

}  // namespace ringio::http

#endif

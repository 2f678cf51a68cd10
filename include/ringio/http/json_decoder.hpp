// JsonDecoder: what json<T>() of an answer makes a T with. The library reads no JSON itself.
#pragma once

#include <concepts>
#include <string_view>

namespace ringio::http {

/// How a text becomes a T. <ringio/http/json.hpp> has it for all that nlohmann's library can make;
/// for another library, or a type that should be read in another way, specialize it:
///
///     template <>
///     struct ringio::http::JsonDecoder<Point> {
///         static Point decode(std::string_view text);  // throws JSONDecodeError
///     };
template <class T>
struct JsonDecoder;

namespace detail {

template <class T>
concept JsonDecodable = requires(std::string_view text) {
    { JsonDecoder<T>::decode(text) } -> std::same_as<T>;
};

template <class T>
constexpr void require_decoder() {
    static_assert(JsonDecodable<T>,
                  "ringio: json<T>() needs #include <ringio/http/json.hpp> with nlohmann's library "
                  "(Debian: nlohmann-json3-dev) and a T that it can make, or a JsonDecoder<T>");
}

}  // namespace detail
}  // namespace ringio::http

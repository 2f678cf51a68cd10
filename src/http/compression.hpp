// Bodies that go out compressed: `compress=` of a request, by zlib.
#pragma once

#include <ringio/tasks/async_generator.hpp>

#include <string>
#include <string_view>

namespace ringio::http::detail {

/// Whether this ringio was built with zlib; compressing is refused otherwise.
bool can_compress() noexcept;

/// Refuses what is not "deflate" or "gzip". *Errors*: std::invalid_argument.
void check_coding(std::string_view coding);

/// A text in a coding of RFC 9110, 8.4.1.
std::string compressed(std::string_view text, std::string_view coding);

/// The same of what a generator yields; yields nothing but compressed bytes, as they are ready.
AsyncGenerator<std::string> compressed(AsyncGenerator<std::string> chunks, std::string coding);

}  // namespace ringio::http::detail

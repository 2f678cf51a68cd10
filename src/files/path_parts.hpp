// The parts of a path, by its text alone.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ringio::detail {

/// The length of the part of `path` that names its directory, without slashes at its end: 0 if it
/// names none. "/a/b/" has "/a", "/a" has "/", "a" has none.
std::size_t directory_length(std::string_view path) noexcept;

/// The directory that a path is in: "." if it names none.
std::string directory_of(std::string_view path);

/// `name` in `directory`.
std::string path_in(std::string_view directory, std::string_view name);

}  // namespace ringio::detail

// Paths as the system takes them, and errors that name them.
#pragma once

#include <string>
#include <string_view>
#include <system_error>

namespace ringio::detail {

/// *Errors*: std::invalid_argument for a path with a zero byte in it.
void require_path(const std::string& path);

/// "open '/x/y': No such file or directory"; with a second path "rename '/x' -> '/y': ...".
std::system_error path_error(int error, std::string_view call, const std::string& path,
                             std::string_view remark = {});
std::system_error path_error(int error, std::string_view call, const std::string& from,
                             const std::string& to, std::string_view remark);

}  // namespace ringio::detail

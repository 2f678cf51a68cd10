#include "path_parts.hpp"

namespace ringio::detail {

std::size_t directory_length(std::string_view path) noexcept {
    const std::size_t name_end = path.find_last_not_of('/');
    if (name_end == std::string_view::npos) {
        return 0;  // "", "/"
    }
    const std::size_t slash = path.rfind('/', name_end);
    if (slash == std::string_view::npos) {
        return 0;
    }
    const std::size_t end = path.find_last_not_of('/', slash);
    return end == std::string_view::npos ? slash + 1 : end + 1;
}

std::string directory_of(std::string_view path) {
    const std::size_t length = directory_length(path);
    return length == 0 ? "." : std::string(path.substr(0, length));
}

std::string path_in(std::string_view directory, std::string_view name) {
    std::string path(directory);
    if (!path.empty() && path.back() != '/') {
        path += '/';
    }
    return path.append(name);
}

}  // namespace ringio::detail

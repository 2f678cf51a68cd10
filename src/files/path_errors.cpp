#include "path_errors.hpp"

#include <ringio/core/op.hpp>

#include <stdexcept>

namespace ringio::detail {
namespace {

std::system_error error_with(int error, std::string what, std::string_view remark) {
    what = describe_failure(error, std::move(what));
    what += remark;
    return std::system_error(error, std::system_category(), what);
}

}  // namespace

void require_path(const std::string& path) {
    if (path.find('\0') != std::string::npos) {
        throw std::invalid_argument("embedded null byte in path");
    }
}

std::system_error path_error(int error, std::string_view call, const std::string& path,
                             std::string_view remark) {
    std::string what(call);
    what.append(" '").append(path).append("'");
    return error_with(error, std::move(what), remark);
}

std::system_error path_error(int error, std::string_view call, const std::string& from,
                             const std::string& to, std::string_view remark) {
    std::string what(call);
    what.append(" '").append(from).append("' -> '").append(to).append("'");
    return error_with(error, std::move(what), remark);
}

}  // namespace ringio::detail

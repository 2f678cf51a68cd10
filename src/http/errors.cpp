#include <ringio/http/errors.hpp>

#include <fmt/core.h>

namespace ringio::http {

ClientResponseError::ClientResponseError(int status, std::string message, std::string url)
    : std::runtime_error(fmt::format("{}, message='{}', url='{}'", status, message, url)),
      status_(status),
      message_(std::move(message)),
      url_(std::move(url)) {}

}  // namespace ringio::http

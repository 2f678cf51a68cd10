#include <ringio/base/outcome.hpp>

#include <stdexcept>

namespace ringio::detail {

std::exception_ptr require_exception(std::exception_ptr exception) {
    if (exception == nullptr) {
        throw std::invalid_argument("the exception of an outcome cannot be null");
    }
    return exception;
}

}  // namespace ringio::detail

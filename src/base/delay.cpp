#include <ringio/base/delay.hpp>

#include <stdexcept>

namespace ringio::detail {

void throw_delay_is_nan() { throw std::invalid_argument("a delay cannot be NaN"); }

}  // namespace ringio::detail

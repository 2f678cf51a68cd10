#include <ringio/core/task.hpp>

namespace ringio::detail {

void throw_not_awaitable(bool has_coroutine) {
    throw std::runtime_error(has_coroutine
                                 ? "cannot reuse already awaited coroutine"
                                 : "this Task holds no coroutine: it was moved from or given away");
}

}  // namespace ringio::detail

#include <ringio/concurrent/as_completed.hpp>

#include <ringio/core/exceptions.hpp>

namespace ringio::detail {

void throw_futures_unfinished(std::size_t unfinished, std::size_t all) {
    throw TimeoutError(fmt::format("{} (of {}) futures unfinished", unfinished, all));
}

}  // namespace ringio::detail

#include <ringio/core/thread_check.hpp>

#include <ringio/base/assert.hpp>
#include <ringio/core/event_loop.hpp>

#include <stdexcept>

namespace ringio::detail {
namespace {

constexpr const char* sentence =
    "Non-thread-safe operation invoked on an event loop other than the current one";

// A loop that does not run belongs to whoever has it.
bool may_use(const EventLoop* loop) noexcept {
    return loop == nullptr || loop == running_loop || !loop->get_debug() || !loop->is_running();
}

}  // namespace

void check_thread_of(const EventLoop* loop) {
    if (!may_use(loop)) {
        throw std::runtime_error(sentence);
    }
}

void require_thread_of(const EventLoop* loop) noexcept { RINGIO_ASSERT(may_use(loop), sentence); }

}  // namespace ringio::detail

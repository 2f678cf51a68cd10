#include <ringio/core/thread_check.hpp>

#include <ringio/base/assert.hpp>
#include <ringio/core/event_loop.hpp>

#include <stdexcept>

namespace ringio::detail {
namespace {

constexpr const char* sentence =
    "Non-thread-safe operation invoked on an event loop other than the current one";

const Machine* machine_of(const EventLoop* loop) noexcept {
    return loop == nullptr ? nullptr : &loop->machine();
}

// A loop that does not run belongs to whoever has it.
bool may_use(const Machine* machine) noexcept {
    return machine == nullptr || machine == machine_of(running_loop) || !machine->is_debug() ||
           !machine->is_running();
}

}  // namespace

void check_thread_of(const Machine* machine) {
    if (!may_use(machine)) {
        throw std::runtime_error(sentence);
    }
}

void check_thread_of(const EventLoop* loop) { check_thread_of(machine_of(loop)); }

void require_thread_of(const Machine* machine) noexcept {
    RINGIO_ASSERT(may_use(machine), sentence);
}

void require_thread_of(const EventLoop* loop) noexcept { require_thread_of(machine_of(loop)); }

}  // namespace ringio::detail

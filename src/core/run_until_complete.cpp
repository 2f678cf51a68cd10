#include <ringio/core/run_until_complete.hpp>

#include <ringio/base/scope_exit.hpp>

#include <memory>

namespace ringio::detail {

void run_until_done(EventLoop& loop, FutureStateBase& future) {
    Machine& machine = loop.machine();
    machine.check_may_run();
    // The loop is stopped by a done callback: what else is ready in that turn still runs. One that
    // is still queued when this run ends otherwise must not stop a later run.
    const auto waiting = std::make_shared<bool>(true);
    const std::uint64_t stop_id = future.add_done_callback(
        [&loop, waiting](FutureStateBase&) {
            if (*waiting) {
                loop.stop();
            }
        },
        std::source_location::current());
    const bool outer = machine.set_awaits_completion(true);
    const ScopeExit leave([&] {
        *waiting = false;
        machine.set_awaits_completion(outer);
        future.remove_done_callback(stop_id);
    });
    machine.run();
    if (!future.done()) {
        throw std::runtime_error("Event loop stopped before Future completed.");
    }
}

}  // namespace ringio::detail

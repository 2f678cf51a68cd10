#include <ringio/tasks/wait_for.hpp>

#include <ringio/base/scope_exit.hpp>

namespace ringio::detail {

Task<> cancel_and_wait(AnyFuture future) {
    Promise<> waiter = get_running_loop().create_future<void>();
    FutureStateBase& state = *future.shared_state();
    const std::uint64_t id = state.add_done_callback(
        [waiter](FutureStateBase&) mutable {
            if (!waiter.done()) {
                waiter.set_result();
            }
        },
        std::source_location::current(), &running_task());
    const ScopeExit leave([&] { future.remove_done_callback(id); });
    future.cancel();
    Future<> done = waiter.get_future();
    co_await done;
}

}  // namespace ringio::detail

#include <ringio/tasks/wait_for.hpp>

#include <ringio/base/scope_exit.hpp>

namespace ringio::detail {
namespace {

void request_end(FutureStateBase& future, const std::source_location& deadline) {
    const CancelOrigin origin = deadline.line() != 0 ? CancelOrigin(CancelCause::deadline, deadline)
                                                     : CancelOrigin(running_task().cancellation());
    future.cancel({});
}

}  // namespace

Task<> cancel_and_wait(AnyFuture future, std::source_location deadline) {
    Promise<> waiter = get_running_loop().create_future<void>();
    FutureStateBase& state = *future.shared_state();
    state.check_loop(get_running_loop());
    const std::uint64_t id = state.add_done_callback(
        [waiter](FutureStateBase&) mutable {
            if (!waiter.done()) {
                waiter.set_result();
            }
        },
        std::source_location::current(), &running_task());
    const ScopeExit leave([&] { future.remove_done_callback(id); });
    request_end(state, deadline);
    Future<> done = waiter.get_future();
    co_await done;
}

}  // namespace ringio::detail

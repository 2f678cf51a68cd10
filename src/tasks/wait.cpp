#include <ringio/tasks/wait.hpp>

#include <ringio/base/scope_exit.hpp>

#include <memory>

namespace ringio::detail {

Task<> wait_for_futures(std::vector<AnyFuture> futures, WaitOptions options) {
    if (futures.empty()) {
        throw std::invalid_argument("Set of Tasks/Futures is empty.");
    }
    EventLoop& loop = get_running_loop();
    for (const AnyFuture& future : futures) {
        future.shared_state()->check_loop(loop);
    }
    const FutureStateBase* const waiting_task = &running_task();
    Promise<> waiter = loop.create_future<void>();
    auto release = [waiter]() mutable {
        if (!waiter.done()) {
            waiter.set_result();
        }
    };

    // Shared with the callbacks: one that is queued already may run after this frame is gone.
    const auto left = std::make_shared<std::size_t>(futures.size());
    const auto on_completion = [left, release,
                                return_when = options.return_when](FutureStateBase& done) mutable {
        --*left;
        bool enough = *left == 0 || return_when == ReturnWhen::first_completed;
        if (return_when == ReturnWhen::first_exception && !done.cancelled()) {
            enough = enough || done.exception() != nullptr;
        }
        if (enough) {
            release();
        }
    };

    TimerHandle timer;
    std::vector<std::uint64_t> ids;
    const ScopeExit leave([&] {
        timer.cancel();
        for (std::size_t index = 0; index < ids.size(); ++index) {
            futures[index].remove_done_callback(ids[index]);
        }
    });
    if (options.timeout) {
        timer = loop.call_later(*options.timeout, release);
    }
    for (const AnyFuture& future : futures) {
        ids.push_back(future.shared_state()->add_done_callback(
            on_completion, std::source_location::current(), waiting_task));
    }
    Future<> released = waiter.get_future();
    co_await released;
}

}  // namespace ringio::detail

#include <ringio/tasks/run_in_executor.hpp>

#include <ringio/base/scope_exit.hpp>
#include <ringio/tasks/wait_for.hpp>
#include "loop_threads.hpp"

#include <fmt/core.h>

#include <chrono>

namespace ringio {

using concurrent::ThreadPoolExecutor;

ThreadPoolExecutor& detail::executor_or_default(EventLoop& loop, ThreadPoolExecutor* executor) {
    check_thread(&loop);
    if (loop.is_closed()) {
        throw std::runtime_error("Event loop is closed");
    }
    if (executor != nullptr) {
        return *executor;
    }
    LoopThreads& threads = threads_of(loop);
    if (threads.shutdown_called) {
        throw std::runtime_error("Executor shutdown has been called");
    }
    if (!threads.executor) {
        threads.executor = std::make_shared<ThreadPoolExecutor>(
            concurrent::ThreadPoolOptions{.thread_name_prefix = "ringio"});
    }
    return *threads.executor;
}

bool detail::has_default_executor(EventLoop& loop) {
    const LoopThreads* const threads = loop.machine().books().find<LoopThreads>();
    return threads != nullptr && threads->executor != nullptr;
}

void EventLoop::set_default_executor(std::shared_ptr<ThreadPoolExecutor> executor) {
    if (!executor) {
        throw std::invalid_argument("set_default_executor: the executor is null");
    }
    machine_.check_call();
    detail::threads_of(*this).executor = std::move(executor);
}

Task<> EventLoop::shutdown_default_executor(std::optional<Delay> timeout) {
    detail::LoopThreads& threads = detail::threads_of(*this);
    threads.shutdown_called = true;
    if (!threads.executor) {
        co_return;
    }
    // A thread of its own joins the others, for their last calls may need this loop to go on.
    ThreadPoolExecutor helper(1);
    const ScopeExit leave_helper([&] { helper.shutdown({.wait = false}); });
    auto join = [executor = threads.executor] { executor->shutdown(); };
    Future<> joined = run_in_executor(&helper, by_move(join));
    bool in_time = true;
    try {
        co_await wait_for(joined, timeout);
    } catch (const TimeoutError&) {
        in_time = false;
    }
    if (in_time) {
        helper.shutdown();
    } else {
        const std::chrono::duration<double> seconds = timeout->value();
        call_exception_handler(
            {.message = fmt::format("the default executor did not finish joining its threads "
                                    "within {} seconds",
                                    seconds.count()),
             .exception = nullptr,
             .details = {}});
        threads.executor->shutdown({.wait = false});
    }
}

}  // namespace ringio

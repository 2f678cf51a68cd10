// EventLoop::run_in_executor: a call that blocks, in a thread of a pool, as a future of the loop.
#pragma once

#include <ringio/concurrent/thread_pool_executor.hpp>
#include <ringio/core/task.hpp>
#include <ringio/tasks/wrap_future.hpp>

#include <utility>

namespace ringio {
namespace detail {

/// Returns `executor`, or the loop's default one, which is made at first use.
/// *Errors*: std::runtime_error when the loop is closed, or its default executor is shut down.
concurrent::ThreadPoolExecutor& executor_or_default(EventLoop& loop,
                                                    concurrent::ThreadPoolExecutor* executor);

/// Says whether the loop has a default executor.
bool has_default_executor(EventLoop& loop);

}  // namespace detail

template <class Fn, class... Args>
Future<detail::CallResult<Fn, Args...>> EventLoop::run_in_executor(
    concurrent::ThreadPoolExecutor* executor, Fn&& function, Args&&... args) {
    detail::require_safe_callable<Fn>();
    concurrent::ThreadPoolExecutor& pool = detail::executor_or_default(*this, executor);
    return wrap_future(pool.submit(std::forward<Fn>(function), std::forward<Args>(args)...), *this);
}

template <class Fn, class... Args>
Future<detail::CallResult<Fn, Args...>> EventLoop::run_in_executor(
    concurrent::ThreadPoolExecutor& executor, Fn&& function, Args&&... args) {
    return run_in_executor(&executor, std::forward<Fn>(function), std::forward<Args>(args)...);
}

}  // namespace ringio

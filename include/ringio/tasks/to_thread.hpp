// to_thread: a call that blocks, in another thread, awaited in this task.
#pragma once

#include <ringio/core/context.hpp>
#include <ringio/core/task.hpp>
#include <ringio/tasks/run_in_executor.hpp>

#include <type_traits>
#include <utility>

namespace ringio {
namespace detail {

template <class R, class Fn, class... Args>
Task<R> call_in_thread(Fn function, Args... args) {
    auto call = [context = copy_context(),
                 function = std::move(function)](Args... arguments) mutable {
        return static_cast<R>(context.run(std::move(function), std::move(arguments)...));
    };
    Future<R> result = get_running_loop().run_in_executor(nullptr, by_move(call), by_move(args)...);
    co_return co_await std::move(result);
}

}  // namespace detail

/// Calls `function(args...)` in a thread of the loop's default executor and gives what it returns.
/// Nothing happens before the Task is awaited or given to create_task(); the call then runs in a
/// copy of the task's context, so it sees the ContextVars of the task.
///
/// *Errors*: what the function throws; std::runtime_error "Executor shutdown has been called".
/// *Cancellation*: CancelledError at once; a call that has not begun never does, one that runs
/// goes on and its result is dropped.
/// *Lifetime*: the callable and the arguments are moved or copied into the call, as for
/// std::thread, so that it may outlive the one who awaits; what it refers to (std::ref, a capture
/// by reference) must outlive the call, also when the task is cancelled.
template <class Fn, class... Args>
Task<detail::CallResult<Fn, Args...>> to_thread(Fn&& function, Args&&... args) {
    detail::require_safe_callable<Fn>();
    (detail::require_safe_value<Args>(), ...);
    return detail::call_in_thread<detail::CallResult<Fn, Args...>, detail::Callable<Fn>,
                                  detail::Callable<Args>...>(
        detail::unwrap_callable(std::forward<Fn>(function)),
        detail::unwrap_callable(std::forward<Args>(args))...);
}

template <class Fn, class... Args>
    requires(!std::is_invocable_v<detail::Callable<Fn>, detail::Callable<Args>...>)
detail::Refused to_thread(Fn&&, Args&&...) {
    static_assert(std::is_invocable_v<detail::Callable<Fn>, detail::Callable<Args>...>,
                  "ringio: to_thread() takes a callable and the arguments that it is called with");
    return {};
}

}  // namespace ringio

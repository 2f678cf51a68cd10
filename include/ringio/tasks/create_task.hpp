// create_task and ensure_future: from a coroutine to a running task.
#pragma once

#include <ringio/core/task.hpp>

#include <type_traits>
#include <utility>

namespace ringio {
namespace detail {

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<Task<T>> = true;

template <class A>
concept IsFuture = std::derived_from<std::remove_cvref_t<A>, AnyFuture>;
template <class A>
concept IsTask = is_task<std::remove_cvref_t<A>>;

/// The type that awaiting gives, as a value.
template <class A>
using AwaitValue = std::remove_cvref_t<AwaitResult<A>>;

/// A coroutine around any awaitable. It owns the awaitable.
template <class A>
Task<AwaitValue<A>> as_coroutine(A awaitable) {
    if constexpr (std::is_void_v<AwaitValue<A>>) {
        co_await std::move(awaitable);
    } else {
        co_return co_await std::move(awaitable);
    }
}

/// Makes an awaitable one's own: a Task is moved, from an lvalue too; a handle is copied.
template <class A>
decltype(auto) own(A&& awaitable) noexcept {
    if constexpr (IsTask<A>) {
        return std::move(awaitable);
    } else {
        return std::forward<A>(awaitable);
    }
}

/// A Task from a Task (which is taken, also from an lvalue) or any other awaitable.
template <class A>
auto to_coroutine(A&& awaitable) {
    if constexpr (IsTask<A>) {
        return std::remove_cvref_t<A>(std::move(awaitable));
    } else {
        return as_coroutine<std::decay_t<A>>(std::forward<A>(awaitable));
    }
}

}  // namespace detail

/// Schedules a coroutine on the running loop; its first step runs in the loop's next turn.
///
/// *Errors*: std::runtime_error when no loop runs. *Lifetime*: the loop owns the task until it is
/// done; dropping the handle detaches it.
template <class T>
TaskHandle<T> create_task(Task<T> coroutine) {
    return get_running_loop().create_task(std::move(coroutine));
}
template <class T>
TaskHandle<T> create_task(Task<T> coroutine, const TaskOptions& options) {
    return get_running_loop().create_task(std::move(coroutine), options);
}

/// The same for an awaitable that is no coroutine, such as sleep().
template <class A>
    requires(Awaitable<A> && !detail::IsTask<A> && !detail::IsFuture<A>)
auto create_task(A&& awaitable, const TaskOptions& options = {}) {
    return get_running_loop().create_task(detail::to_coroutine(std::forward<A>(awaitable)),
                                          options);
}

/// Returns a future for anything awaitable: a future or task handle itself, a coroutine as a task.
template <Awaitable A>
auto ensure_future(A&& awaitable) {
    if constexpr (detail::IsFuture<A>) {
        return std::remove_cvref_t<A>(std::forward<A>(awaitable));
    } else {
        return get_running_loop().create_task(detail::to_coroutine(std::forward<A>(awaitable)));
    }
}

template <class A>
decltype(auto) EventLoop::run_until_complete(A&& awaitable) {
    static_assert(Awaitable<A>,
                  "ringio: run_until_complete takes a Task, a future or another awaitable");
    if constexpr (detail::IsFuture<A>) {
        using T = typename std::remove_cvref_t<A>::value_type;
        detail::FutureStateBase& state = *awaitable.shared_state();
        if (&state.loop() != this) {
            throw std::invalid_argument("The future belongs to a different loop than this one");
        }
        run_until_done(state);
        state.require_value();
        if constexpr (!std::is_void_v<T>) {
            return detail::take_value<T>(state);
        }
    } else {
        check_may_run();
        auto task = create_task(detail::to_coroutine(std::forward<A>(awaitable)));
        return run_until_complete(std::move(task));
    }
}

}  // namespace ringio

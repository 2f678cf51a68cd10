// create_task and ensure_future: from a coroutine to a running task.
#pragma once

#include <ringio/core/run_until_complete.hpp>
#include <ringio/core/task.hpp>

#include <concepts>
#include <source_location>
#include <type_traits>
#include <utility>

namespace ringio {
namespace detail {

/// Base of awaitables that own coroutines: close() drops those, without a report.
struct OwnsCoroutines {};

/// Drops the coroutines of an awaitable that shall not be awaited after all, without a report.
template <class A>
void close_unstarted(A& awaitable) noexcept {
    if constexpr (IsTask<A> || std::derived_from<A, OwnsCoroutines>) {
        awaitable.close();
    }
}

/// Says what create_task() takes, for what it does not take.
template <class A>
constexpr void require_unstarted() {
    static_assert(!IsFuture<A>,
                  "ringio: create_task() takes a coroutine; a future or task runs already: await "
                  "it as it is");
    static_assert(Awaitable<A>,
                  "ringio: create_task() takes a coroutine or another awaitable; a coroutine "
                  "function is called first: create_task(f())");
}

}  // namespace detail

/// Schedules a coroutine on the running loop; its first step runs in the loop's next turn.
///
/// *Errors*: std::runtime_error when no loop runs. *Lifetime*: the loop owns the task until it is
/// done; dropping the handle detaches it.
template <class T>
RINGIO_INLINE TaskHandle<T> create_task(
    Task<T> coroutine, std::source_location where = std::source_location::current()) {
    return get_running_loop().create_task(std::move(coroutine), where);
}
template <class T>
TaskHandle<T> create_task(Task<T> coroutine, const TaskOptions& options,
                          std::source_location where = std::source_location::current()) {
    return get_running_loop().create_task(std::move(coroutine), options, where);
}

/// The same for an awaitable that is no coroutine, such as sleep().
template <class A>
    requires(Awaitable<A> && !detail::IsTask<A> && !detail::IsFuture<A>)
auto create_task(A&& awaitable, const TaskOptions& options = {},
                 std::source_location where = std::source_location::current()) {
    return get_running_loop().create_task(detail::to_coroutine(std::forward<A>(awaitable)), options,
                                          where);
}

template <class A, class... Rest>
    requires(!Awaitable<A> || detail::IsFuture<A>)
detail::Refused create_task(A&&, Rest&&...) {
    detail::require_unstarted<A>();
    return {};
}

/// Returns a future for anything awaitable: a future or task handle itself, a coroutine as a task.
template <Awaitable A>
auto ensure_future(A&& awaitable, std::source_location where = std::source_location::current()) {
    if constexpr (detail::IsFuture<A>) {
        return std::remove_cvref_t<A>(std::forward<A>(awaitable));
    } else {
        return get_running_loop().create_task(detail::to_coroutine(std::forward<A>(awaitable)),
                                              where);
    }
}

template <class A>
    requires(!Awaitable<A>)
detail::Refused ensure_future(A&&) {
    static_assert(Awaitable<A>,
                  "ringio: ensure_future() takes an awaitable: a coroutine, a future, sleep()");
    return {};
}

}  // namespace ringio

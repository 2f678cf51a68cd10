// run_until_complete: from an awaitable of any kind to a running task, and the loop around it.
#pragma once

#include <ringio/core/task.hpp>

#include <concepts>
#include <stdexcept>
#include <system_error>
#include <type_traits>
#include <utility>

namespace ringio {
namespace detail {

template <class A>
concept IsFuture = std::derived_from<std::remove_cvref_t<A>, AnyFuture>;
template <class A>
concept IsTask = is_task<std::remove_cvref_t<A>>;

/// An await uses it up.
template <class A>
concept IsSingleUse = IsTask<A> || std::derived_from<std::remove_cvref_t<A>, SingleUse>;

/// Says of a future that `A` refers to that its result may be taken: the caller gives the handle
/// away, or the result can be copied.
template <class A>
constexpr bool result_may_be_taken() {
    if constexpr (IsFuture<A> && std::is_lvalue_reference_v<A>) {
        using T = typename std::remove_cvref_t<A>::value_type;
        return std::is_void_v<T> || std::is_copy_constructible_v<T>;
    } else {
        return true;
    }
}

/// Refuses what would leave a moved-out value in a handle that the caller keeps.
template <class A>
constexpr void require_result_may_be_taken() {
    static_assert(result_may_be_taken<A>(),
                  "ringio: the result of this future cannot be copied, and to move it would leave "
                  "the handle that you keep without it; give the handle away with "
                  "std::move(handle), or await it by its name");
}

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
    if constexpr (IsSingleUse<A>) {
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
        require_result_may_be_taken<A>();
        return as_coroutine<std::decay_t<A>>(own(std::forward<A>(awaitable)));
    }
}

/// Runs the loop until `future` is done. *Errors*: as run_until_complete(), save the future's own.
void run_until_done(EventLoop& loop, FutureStateBase& future);

/// Calls `prepare`. When it is refused a ring, the coroutine never runs, and the exception says
/// why: no report of it is needed.
template <class A, class Prepare>
void prepare_to_run(A& awaitable, Prepare prepare) {
    try {
        prepare();
    } catch (const std::system_error&) {
        if constexpr (IsTask<A>) {
            awaitable.close();
        }
        throw;
    }
}

}  // namespace detail

template <class A>
auto EventLoop::create_task(A&& awaitable, std::source_location where) {
    constexpr bool may_start = Awaitable<A> && !detail::IsFuture<A>;
    static_assert(
        may_start,
        "ringio: create_task() takes a coroutine, or another awaitable that has not begun");
    if constexpr (may_start) {
        return create_task(detail::to_coroutine(std::forward<A>(awaitable)), where);
    }
}

template <class A>
decltype(auto) EventLoop::run_until_complete(A&& awaitable, std::source_location where) {
    static_assert(Awaitable<A>,
                  "ringio: run_until_complete takes a Task, a future or another awaitable");
    if constexpr (detail::IsFuture<A>) {
        using T = typename std::remove_cvref_t<A>::value_type;
        if (&awaitable.get_loop() != this) {
            throw std::invalid_argument("The future belongs to a different loop than this one");
        }
        detail::require_result_may_be_taken<A>();
        const std::remove_cvref_t<A> future(std::forward<A>(awaitable));
        detail::FutureStateBase& state = *future.shared_state();
        detail::run_until_done(*this, state);
        state.require_value();
        if constexpr (!std::is_void_v<T>) {
            return detail::take_value<T>(state);
        }
    } else {
        detail::prepare_to_run(awaitable, [this] { machine_.prepare_to_run(); });
        auto task = create_task(detail::to_coroutine(std::forward<A>(awaitable)), where);
        return run_until_complete(std::move(task));
    }
}

}  // namespace ringio

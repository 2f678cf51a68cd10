// shield: cancelling the one who waits does not cancel what is waited for.
#pragma once

#include <ringio/tasks/create_task.hpp>

namespace ringio {
namespace detail {

/// Passes the result of `inner` on to `outer`, unless one of them was cancelled.
template <class T>
void pass_result(FutureStateBase& inner, FutureState<T>& outer) {
    if (outer.cancelled()) {
        inner.mark_retrieved();
    } else if (inner.cancelled()) {
        outer.cancel("");
    } else if (std::exception_ptr exception = inner.exception()) {
        outer.set_exception(std::move(exception));
    } else if constexpr (std::is_void_v<T>) {
        outer.set_value();
    } else {
        outer.set_value(take_value<T>(inner));
    }
}

template <class T>
Future<T> shield_future(Future<T> inner) {
    if (inner.done()) {
        return inner;
    }
    Promise<T> outer = get_running_loop().template create_future<T>();
    const std::uint64_t inner_id = inner.add_done_callback([outer](const Future<T>& done) {
        pass_result<T>(*done.shared_state(),
                       static_cast<FutureState<T>&>(*outer.get_future().shared_state()));
    });
    Future<T> result = outer.get_future();
    // A reference here would keep the two alive for each other; the loop keeps a task alive.
    result.add_done_callback([inner, inner_id]() mutable {
        if (!inner.done()) {
            inner.remove_done_callback(inner_id);
        }
    });
    return result;
}

}  // namespace detail

/// Returns a future with the result of `awaitable`; cancelling that future, or the task that awaits
/// it, leaves `awaitable` running. A coroutine becomes a task.
///
/// *Cancellation*: when `awaitable` itself is cancelled, so is the returned future.
template <Awaitable A>
Future<detail::AwaitValue<A>> shield(A&& awaitable) {
    return detail::shield_future<detail::AwaitValue<A>>(ensure_future(std::forward<A>(awaitable)));
}

}  // namespace ringio

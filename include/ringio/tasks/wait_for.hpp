// wait_for: one awaitable with a time limit.
#pragma once

#include <ringio/tasks/create_task.hpp>
#include <ringio/tasks/timeout.hpp>

#include <concepts>
#include <optional>
#include <source_location>
#include <utility>

namespace ringio {
namespace detail {

/// Cancels the future and waits until it is really done, whatever it ends with. `deadline` is why;
/// a place with line 0: because the running task was cancelled.
Task<> cancel_and_wait(AnyFuture future, std::source_location deadline = {});

template <class A>
Task<AwaitValue<A>> wait_for_at_once(A awaitable, std::source_location where) {
    auto future = ensure_future(std::move(awaitable), std::source_location());
    if (!future.done()) {
        co_await cancel_and_wait(future, where);
        if (future.cancelled()) {
            throw TimeoutError();
        }
    }
    co_return co_await std::move(future);
}

/// Gives the awaitable that it owns away; the body of a timeout scope. What is awaited is destroyed
/// when the await is over, so that of nested ones each finds the inner one gone.
template <class A>
class AwaitOnce {
public:
    explicit AwaitOnce(A&& awaitable) : awaitable_(std::move(awaitable)) {}
    A operator()() { return std::move(awaitable_); }

private:
    A awaitable_;
};

}  // namespace detail

/// Awaits for at most `limit` (none: without one), within this task.
///
/// When the limit passes, the awaitable is cancelled and waited for, so wait_for() may take longer;
/// what it gives or throws meanwhile wins. With a limit of zero or less a coroutine is not started,
/// and a future that is done gives its result. A handle that is given by its name keeps its result,
/// which is copied; one that cannot be copied is given away.
/// *Errors*: TimeoutError; what the awaitable throws. *Cancellation*: cancels the awaitable.
template <Awaitable A>
Task<detail::AwaitValue<A>> wait_for(
    A&& awaitable, std::optional<Delay> limit,
    const std::source_location& where = std::source_location::current()) {
    using Owned = std::remove_cvref_t<A>;
    detail::require_result_may_be_taken<A>();
    if (limit && !limit->is_positive()) {
        return detail::wait_for_at_once<Owned>(Owned(detail::own(std::forward<A>(awaitable))),
                                               where);
    }
    return detail::run_with_deadline<detail::AwaitOnce<Owned>>(
        std::nullopt, limit,
        detail::AwaitOnce<Owned>(Owned(detail::own(std::forward<A>(awaitable)))), where);
}

template <class A, class D>
    requires(!Awaitable<A> || !std::convertible_to<D, std::optional<Delay>>)
detail::Refused wait_for(A&&, D&&) {
    static_assert(Awaitable<A>,
                  "ringio: wait_for() takes an awaitable; a coroutine function is called first: "
                  "wait_for(f(), 1s)");
    static_assert(std::convertible_to<D, std::optional<Delay>>,
                  "ringio: a time limit is a std::chrono duration, such as 5s or 10ms, or "
                  "std::nullopt");
    return {};
}

}  // namespace ringio

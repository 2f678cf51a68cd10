// as_outcome: the result of an await as a value, for hot paths and for errors that are expected.
#pragma once

#include <ringio/base/outcome.hpp>
#include <ringio/core/awaitable.hpp>
#include <ringio/core/exceptions.hpp>
#include <ringio/core/run_until_complete.hpp>
#include <ringio/tasks/create_task.hpp>

#include <coroutine>
#include <type_traits>
#include <utility>

namespace ringio {
namespace detail {

template <class W>
concept GivesOutcome = requires(W& awaiter) { awaiter.await_outcome(); };

/// Awaits what `A` awaits, and turns what that would throw into an Outcome.
template <class A>
class OutcomeAwaiter final : public NativeAwaiter {
    using Inner = std::conditional_t<IsNative<A>, AwaiterOf<A>, ForeignAwaiter<A>>;
    using Value = std::remove_cvref_t<decltype(std::declval<Inner&>().await_resume())>;

public:
    explicit OutcomeAwaiter(A&& awaitable) : inner_(make(static_cast<A&&>(awaitable))) {}
    OutcomeAwaiter(const OutcomeAwaiter&) = delete;
    OutcomeAwaiter& operator=(const OutcomeAwaiter&) = delete;

    bool await_ready() { return inner_.await_ready(); }
    template <class P>
    auto await_suspend(std::coroutine_handle<P> coroutine) {
        return inner_.await_suspend(coroutine);
    }
    Outcome<Value> await_resume() {
        if constexpr (GivesOutcome<Inner>) {
            return inner_.await_outcome();
        } else {
            try {
                if constexpr (std::is_void_v<Value>) {
                    inner_.await_resume();
                    return Outcome<Value>();
                } else {
                    return Outcome<Value>(inner_.await_resume());
                }
            } catch (...) {
                if (current_exception_kind() != ExceptionKind::ordinary &&
                    running_task().cancelling() > 0) {
                    throw;
                }
                return Outcome<Value>(std::current_exception());
            }
        }
    }

private:
    static Inner make(A&& awaitable) {
        if constexpr (IsNative<A>) {
            return get_awaiter(static_cast<A&&>(awaitable));
        } else {
            return Inner(static_cast<A&&>(awaitable));
        }
    }

    Inner inner_;
};

}  // namespace detail

/// Awaits `awaitable` and gives an Outcome: the value, or the exception without throwing it. An
/// error of the kernel, of a future or of a Task is passed on without a throw inside.
///
/// *Errors*: what may not be awaited at all is no outcome, but a std::runtime_error: the running
/// task itself, a future of another loop, a coroutine that was awaited before.
/// *Cancellation*: a request to cancel the awaiting task is not an outcome: CancelledError goes on.
/// That something else was cancelled is an outcome.
/// *Lifetime*: owns an awaitable that was given as an rvalue, refers to one given as an lvalue.
template <class A>
    requires Awaitable<A>
class [[nodiscard]] AsOutcome : public detail::OwnsCoroutines {
public:
    explicit AsOutcome(A&& awaitable) : awaitable_(static_cast<A&&>(awaitable)) {}
    detail::OutcomeAwaiter<A> operator co_await() && {
        return detail::OutcomeAwaiter<A>(static_cast<A&&>(awaitable_));
    }

    /// Drops a coroutine of its own that shall not run after all, without a report.
    void close() noexcept {
        if constexpr (!std::is_lvalue_reference_v<A>) {
            detail::close_unstarted(awaitable_);
        }
    }

private:
    A awaitable_;
};

template <Awaitable A>
AsOutcome<A> as_outcome(A&& awaitable) {
    detail::require_result_may_be_taken<A>();
    return AsOutcome<A>(std::forward<A>(awaitable));
}

template <class A>
    requires(!Awaitable<A>)
detail::Refused as_outcome(A&&) {
    static_assert(Awaitable<A>, "ringio: as_outcome() takes an awaitable: a coroutine, a future");
    return {};
}

}  // namespace ringio

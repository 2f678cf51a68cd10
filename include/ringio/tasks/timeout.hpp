// timeout: a scope with a deadline. When that passes, the body is cancelled, and the cancellation
// leaves the scope as a TimeoutError.
#pragma once

#include <ringio/base/delay.hpp>
#include <ringio/core/callable.hpp>
#include <ringio/core/cancellation.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/format.hpp>
#include <ringio/core/task.hpp>
#include <ringio/tasks/create_task.hpp>

#include <exception>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

namespace ringio {

/// The scope that the body of timeout() runs in; asyncio.Timeout.
class Timeout {
public:
    using TimePoint = EventLoop::TimePoint;

    /// `where` is what those who are cancelled are told.
    explicit Timeout(std::optional<TimePoint> when,
                     const std::source_location& where = std::source_location::current()) noexcept
        : when_(when), where_(where) {}
    Timeout(const Timeout&) = delete;
    Timeout& operator=(const Timeout&) = delete;

    /// Returns the deadline, on the clock of EventLoop::time(); none: there is no limit.
    std::optional<TimePoint> when() const noexcept { return when_; }

    /// Moves the deadline. *Errors*: std::runtime_error once the scope expired or was left.
    void reschedule(std::optional<TimePoint> when);

    /// Says whether the deadline has passed; it stays true after the scope.
    bool expired() const noexcept { return state_ == State::expiring || state_ == State::expired; }

    /// "<Timeout [active] when=…>".
    std::string repr() const;

    // What timeout() does around the body.

    /// Begins. *Errors*: std::runtime_error outside a task, or the second time.
    void enter();

    /// Ends; `error` is what the body threw. Throws TimeoutError when this scope expired and the
    /// body was ended by its cancellation.
    void leave(const std::exception_ptr& error);

private:
    enum class State : unsigned char { created, active, expiring, expired, finished };

    const char* state_name() const noexcept;
    void on_timeout();

    std::optional<TimePoint> when_;
    std::source_location where_;
    detail::ScopeCancellation cancellation_;
    Handle due_;         // when the deadline had passed already
    TimerHandle timer_;  // else
    State state_ = State::created;
};

namespace detail {

template <class Body>
concept ScopeFunction = std::is_invocable_v<Body&, Timeout&> || std::is_invocable_v<Body&>;

template <class Body>
decltype(auto) call_with_scope(Body& body, Timeout& scope) {
    if constexpr (std::is_invocable_v<Body&, Timeout&>) {
        return body(scope);
    } else {
        return body();
    }
}

template <class Body>
using ScopeResult =
    AwaitValue<decltype(call_with_scope(std::declval<Body&>(), std::declval<Timeout&>()))>;

template <class Body>
concept ScopeBody = ScopeFunction<Body> && requires(Body& body, Timeout& scope) {
    requires Awaitable<decltype(call_with_scope(body, scope))>;
};

template <class Body>
Task<ScopeResult<Body>> run_with_deadline(std::optional<Timeout::TimePoint> when,
                                          std::optional<Delay> delay, Body body,
                                          std::source_location where) {
    if (delay) {
        when = saturating_add(get_running_loop().time(), *delay);
    }
    Timeout scope(when, where);
    scope.enter();
    std::exception_ptr error;
    if constexpr (std::is_void_v<ScopeResult<Body>>) {
        try {
            co_await call_with_scope(body, scope);
        } catch (...) {
            error = std::current_exception();
        }
        scope.leave(error);
        if (error) {
            std::rethrow_exception(error);
        }
    } else {
        std::optional<ScopeResult<Body>> value;
        try {
            value.emplace(co_await call_with_scope(body, scope));
        } catch (...) {
            error = std::current_exception();
        }
        scope.leave(error);
        if (error) {
            std::rethrow_exception(error);
        }
        co_return std::move(*value);
    }
}

template <class Body>
auto start_scope(std::optional<Timeout::TimePoint> when, std::optional<Delay> delay, Body&& body,
                 const std::source_location& where) {
    using Function = Callable<Body>;
    require_safe_callable<Body>();
    static_assert(ScopeFunction<Function>,
                  "ringio: the body of timeout() takes a Timeout& or nothing; for a coroutine that "
                  "is called already there is wait_for()");
    static_assert(ScopeBody<Function> || !ScopeFunction<Function>,
                  "ringio: the body of timeout() is a coroutine function: it returns a Task");
    if constexpr (ScopeBody<Function>) {
        return run_with_deadline<Function>(when, delay, unwrap_callable(std::forward<Body>(body)),
                                           where);
    } else {
        return Refused();
    }
}

}  // namespace detail

/// Runs `body` in this task, for at most `delay` (none: without a limit), and gives its result.
/// `body` is a coroutine function that takes a Timeout& or nothing; it is copied.
///
/// *Errors*: TimeoutError when the deadline passed and ended the body; what the body throws.
/// *Cancellation*: from outside, it goes through as CancelledError. A body that never suspends is
/// not interrupted. *Python*: `async with asyncio.timeout(delay)`.
template <class Body>
auto timeout(std::optional<Delay> delay, Body&& body,
             const std::source_location& where = std::source_location::current()) {
    return detail::start_scope(std::nullopt, delay, std::forward<Body>(body), where);
}

/// The same with a point in time on the clock of EventLoop::time().
template <class Body>
auto timeout_at(std::optional<Timeout::TimePoint> when, Body&& body,
                const std::source_location& where = std::source_location::current()) {
    return detail::start_scope(when, std::nullopt, std::forward<Body>(body), where);
}

}  // namespace ringio

template <>
struct fmt::formatter<ringio::Timeout> : ringio::detail::ReprFormatter<ringio::Timeout> {};

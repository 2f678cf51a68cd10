// Future: a result that somebody will set. A handle to shared state; awaitable any number of times.
#pragma once

#include <ringio/core/awaitable.hpp>
#include <ringio/core/future_state.hpp>
#include <ringio/core/task_state.hpp>

#include <ringio/base/outcome.hpp>

#include <concepts>
#include <coroutine>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace ringio {
namespace detail {

/// Takes the value out of a state: moved when this is the last handle to it, else copied.
template <class T>
T take_value(FutureStateBase& state) {
    if constexpr (std::is_copy_constructible_v<T>) {
        if (state.is_shared()) {
            return state.value<T>();
        }
    }
    return std::move(state.value<T>());
}

/// Waits for a future: the part that does not depend on its type.
class FutureWait : public NativeAwaiter, public DoneNode, public Wait {
public:
    explicit FutureWait(IntrusivePtr<FutureStateBase> state) noexcept : state_(std::move(state)) {}
    FutureWait(const FutureWait&) = delete;
    FutureWait& operator=(const FutureWait&) = delete;

    bool await_ready() const noexcept { return state_->done(); }
    void await_suspend(std::coroutine_handle<> coroutine) {
        TaskStateBase& task = running_task();
        if (state_.get() == &task || state_->loop_or_null() != running_loop) [[unlikely]] {
            refuse(task);
        }
        waiting_task_ = &task;
        state_->add_waiting(*this);
        task.suspend(coroutine, *this);
    }

    void notify(FutureStateBase&) noexcept final { task()->wake(); }
    std::string describe() const final { return "Task.task_wakeup()"; }
    /// The future is done, and its error was this task's to take.
    bool cancel(const std::string&) noexcept final {
        state_->mark_retrieved();
        return false;
    }
    FutureStateBase* passes_on_to() noexcept final { return is_waiting() ? state_.get() : nullptr; }
    void abandon() noexcept final {
        if (is_waiting()) {
            state_->remove_waiting(*this);
            task()->wake();
        }
    }
    const FutureStateBase* future() const noexcept final { return state_.get(); }
    const char* what() const noexcept final { return "future"; }

protected:
    RINGIO_INLINE ~FutureWait() {
        if (is_waiting()) [[unlikely]] {
            state_->remove_waiting(*this);  // the frame goes before its time
        }
    }

    /// Throws what a cancellation, or the future, has to say instead of a value.
    void resume();

    /// The same without a throw; a cancellation of the task itself is still thrown.
    std::exception_ptr failure_without_throw() {
        if (waiting_task_ != nullptr && task()->take_cancellation()) {
            task()->throw_cancelled();
        }
        if (state_->cancelled() && waiting_task_ != nullptr && task()->cancelling() > 0) {
            state_->require_value();
        }
        state_->mark_retrieved();
        return state_->failure();
    }

    IntrusivePtr<FutureStateBase> state_;

private:
    /// Throws std::runtime_error: a task awaits itself, or a future of another loop.
    [[noreturn]] void refuse(TaskStateBase& task) const;

    /// The one that waited here; null when the future was done already.
    TaskStateBase* task() const noexcept { return static_cast<TaskStateBase*>(waiting_task_); }
};

/// Awaiting an lvalue future: the value stays with it.
template <class T>
class FutureAwaiter final : public FutureWait {
public:
    using FutureWait::FutureWait;
    std::conditional_t<std::is_void_v<T>, void, const Stored<T>&> await_resume() {
        resume();
        if constexpr (!std::is_void_v<T>) {
            return state_->template value<T>();
        }
    }
    Outcome<T> await_outcome() {
        if (std::exception_ptr failure = failure_without_throw()) {
            return Outcome<T>(std::move(failure));
        }
        if constexpr (std::is_void_v<T>) {
            return Outcome<T>();
        } else {
            return Outcome<T>(state_->template value<T>());
        }
    }
};

/// Awaiting an rvalue future: the value is moved out if this was the last handle, else copied.
template <class T>
class FutureTaker final : public FutureWait {
public:
    using FutureWait::FutureWait;
    T await_resume() {
        resume();
        if constexpr (!std::is_void_v<T>) {
            return take_value<T>(*state_);
        }
    }
    Outcome<T> await_outcome() {
        if (std::exception_ptr failure = failure_without_throw()) {
            return Outcome<T>(std::move(failure));
        }
        if constexpr (std::is_void_v<T>) {
            return Outcome<T>();
        } else {
            return Outcome<T>(take_value<T>(*state_));
        }
    }
};

}  // namespace detail

/// A handle to any future, whatever its type. Awaiting it gives nothing, or throws.
class AnyFuture {
public:
    using value_type = void;

    /// Refers to nothing: only valid(), assignment and destruction are allowed.
    AnyFuture() = default;
    explicit AnyFuture(IntrusivePtr<detail::FutureStateBase> state) noexcept
        : state_(std::move(state)) {}

    bool valid() const noexcept { return static_cast<bool>(state_); }
    bool done() const { return state().done(); }
    bool cancelled() const { return state().cancelled(); }

    /// Asks for an end without a result; false when it is done. `where`, and the task that runs,
    /// become the CancelledError's source(). *Python*: Future.cancel(msg).
    bool cancel(const std::string& message = {},
                const std::source_location& where = std::source_location::current()) const {
        return request_cancel(message, where);
    }

    /// Returns the exception that is the result, or null when there is a value.
    /// *Errors*: InvalidStateError while pending; CancelledError when cancelled.
    std::exception_ptr exception() const { return state().exception(); }

    /// May be asked on any thread, to post to it. *Errors*: std::runtime_error when it is closed.
    EventLoop& get_loop() const { return checked()->loop(); }

    /// Takes one callback back, by what add_done_callback() returned; returns how many there were.
    std::size_t remove_done_callback(std::uint64_t id) const {
        return state().remove_done_callback(id);
    }

    detail::FutureAwaiter<void> operator co_await() const {
        return detail::FutureAwaiter<void>(checked());
    }

    friend bool operator==(const AnyFuture& a, const AnyFuture& b) noexcept {
        return a.state_.get() == b.state_.get();
    }

    const IntrusivePtr<detail::FutureStateBase>& shared_state() const noexcept { return state_; }

protected:
    /// *Errors*: std::invalid_argument when the handle refers to nothing; std::runtime_error in
    /// debug mode on a wrong thread.
    detail::FutureStateBase& state() const {
        checked()->check_thread();
        return *state_;
    }
    const IntrusivePtr<detail::FutureStateBase>& checked() const {
        if (!state_) {
            throw_invalid();
        }
        return state_;
    }

    /// The same, and this handle refers to nothing from then on.
    IntrusivePtr<detail::FutureStateBase>&& take_checked() {
        checked();
        return std::move(state_);
    }

private:
    [[noreturn]] static void throw_invalid();
    bool request_cancel(const std::string& message, const std::source_location& where) const;

    IntrusivePtr<detail::FutureStateBase> state_;
};

namespace detail {

/// Says of each handle whether it refers to the same future as an earlier one.
std::vector<bool> find_repeated(const std::vector<AnyFuture>& futures);

}  // namespace detail

/// A handle to a result that will be set; asyncio.Future. Copies refer to the same result.
///
/// `co_await future` gives `const T&`; `co_await std::move(future)`, or a temporary, gives the
/// value. Awaiting one that is done does not yield to the loop. *Cancellation*: cancelling the task
/// that awaits cancels the future.
template <class T = void>
class Future : public AnyFuture {
    static_assert(!std::is_reference_v<T>,
                  "ringio: a future or task cannot hold a reference; use a pointer or "
                  "std::reference_wrapper");

public:
    using value_type = T;

    Future() = default;
    explicit Future(IntrusivePtr<detail::FutureStateBase> state) noexcept
        : AnyFuture(std::move(state)) {}

    /// Returns the value. *Errors*: InvalidStateError "Result is not set." while pending;
    /// CancelledError; the exception that was set.
    std::conditional_t<std::is_void_v<T>, void, const detail::Stored<T>&> result() const {
        state().require_value();
        if constexpr (!std::is_void_v<T>) {
            return state().template value<T>();
        }
    }

    /// Has `function(future)`, or `function()`, scheduled once the future is done; at once if it
    /// is. Returns an id for remove_done_callback(). *Errors*: std::invalid_argument for null.
    template <class Fn>
    std::uint64_t add_done_callback(Fn&& function,
                                    std::source_location where = std::source_location::current()) {
        return add_callback<Future>(std::forward<Fn>(function), where);
    }

    RINGIO_INLINE detail::FutureAwaiter<T> operator co_await() const& {
        return detail::FutureAwaiter<T>(checked());
    }
    RINGIO_INLINE detail::FutureTaker<T> operator co_await() && {
        return detail::FutureTaker<T>(take_checked());
    }

protected:
    template <class Self, class Fn>
    std::uint64_t add_callback(Fn&& function, const std::source_location& where) {
        using Function = std::decay_t<Fn>;
        static_assert(std::is_invocable_v<Function&, Self> || std::is_invocable_v<Function&>,
                      "ringio: a done callback takes the future, or nothing");
        Function callback(std::forward<Fn>(function));
        if (detail::is_null_callable(callback)) {
            throw std::invalid_argument("the done callback is null; pass a callable");
        }
        return state().add_done_callback(
            [fn = std::move(callback)](detail::FutureStateBase& done) mutable {
                if constexpr (std::is_invocable_v<Function&, Self>) {
                    static_cast<void>(fn(Self(IntrusivePtr<detail::FutureStateBase>(&done))));
                } else {
                    static_cast<void>(fn());
                }
            },
            where);
    }
};

}  // namespace ringio

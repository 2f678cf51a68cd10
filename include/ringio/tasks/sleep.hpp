// sleep: a timer in user space; sleep(0s) is one turn of the loop.
#pragma once

#include <ringio/base/delay.hpp>
#include <ringio/core/awaitable.hpp>
#include <ringio/core/callable.hpp>
#include <ringio/core/timers.hpp>

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

namespace ringio {
namespace detail {

/// What a task waits for that yields: its turn. Of all tasks the same.
class NextTurn final : public Wait {
public:
    bool cancel(const std::string&) noexcept override { return false; }
    const char* what() const noexcept override { return "sleep"; }
    std::string repr() const override;
};
RINGIO_API inline constinit NextTurn next_turn;

/// The timer of a task that sleeps, which waits for it.
class SleepTimer final : public Timer, public Wait {
public:
    explicit SleepTimer(TaskStateBase& task) noexcept : task_(task) {}
    ~SleepTimer() {
        if (is_in_heap()) [[unlikely]] {
            disarm();
        }
    }

    // The timer went off. The task is woken by one more hop, as by the future of asyncio's sleep.
    void run() override;
    void discard() noexcept override {}

    bool cancel(const std::string& message) noexcept override;
    bool was_cancelled() const noexcept { return phase_ == Phase::cancelled; }
    const char* what() const noexcept override { return "sleep"; }
    std::string repr() const override { return next_turn.repr(); }

private:
    enum class Phase : unsigned char { armed, cancelled, woken };

    void disarm() noexcept;

    TaskStateBase& task_;
    Phase phase_ = Phase::armed;
};

/// Waits for a point in time, or, when the delay is not positive, for the next turn, which takes no
/// more than a look at the delay.
class SleepWait : public NativeAwaiter {
public:
    explicit SleepWait(Delay delay) noexcept : delay_(delay) {}
    SleepWait(const SleepWait&) = delete;
    SleepWait& operator=(const SleepWait&) = delete;

    bool await_ready() const noexcept { return false; }
    // Part of every yield.
    RINGIO_INLINE void await_suspend(std::coroutine_handle<> coroutine) {
        TaskStateBase& task = running_task();
        if (delay_.is_positive()) {
            arm(task, coroutine);
        } else {
            task.yield(coroutine, next_turn);
        }
        task_ = &task;
    }

protected:
    ~SleepWait() {
        if (has_timer()) {
            timer_.~SleepTimer();
        }
    }

    /// Throws CancelledError when the sleep was cut short.
    void finish() {
        const bool cut_short = has_timer() && timer_.was_cancelled();
        if (task_->take_cancellation() || cut_short) [[unlikely]] {
            task_->throw_cancelled();
        }
    }

private:
    void arm(TaskStateBase& task, std::coroutine_handle<> coroutine);
    bool has_timer() const noexcept { return delay_.is_positive() && task_ != nullptr; }

    Delay delay_;
    TaskStateBase* task_ = nullptr;  // that slept
    union {
        SleepTimer timer_;  // of a delay that is positive, once the task sleeps
    };
};

template <class T>
class SleepAwaiter final : public SleepWait {
public:
    SleepAwaiter(Delay delay, T result) : SleepWait(delay), result_(std::move(result)) {}
    T await_resume() {
        finish();
        return std::move(result_);
    }

private:
    T result_;
};

template <>
class SleepAwaiter<void> final : public SleepWait {
public:
    using SleepWait::SleepWait;
    void await_resume() { finish(); }
};

}  // namespace detail

/// What sleep() returns; awaited, it sleeps.
template <class T>
class [[nodiscard]] Sleep {
public:
    Sleep(Delay delay, T result) : delay_(delay), result_(std::move(result)) {}
    detail::SleepAwaiter<T> operator co_await() const& { return {delay_, result_}; }
    detail::SleepAwaiter<T> operator co_await() && { return {delay_, std::move(result_)}; }

private:
    Delay delay_;
    T result_;
};

template <>
class [[nodiscard]] Sleep<void> {
public:
    explicit Sleep(Delay delay) noexcept : delay_(delay) {}
    detail::SleepAwaiter<void> operator co_await() const noexcept {
        return detail::SleepAwaiter<void>(delay_);
    }

private:
    Delay delay_;
};

/// Waits for `delay`; zero or less lets every other ready task run once. A huge delay saturates at
/// 292 years. *Errors*: std::invalid_argument for NaN. *Cancellation*: ends the sleep at once.
inline Sleep<void> sleep(Delay delay) { return Sleep<void>(delay); }

/// The same, and gives `result` afterwards.
template <class T>
Sleep<detail::Callable<T>> sleep(Delay delay, T&& result) {
    detail::require_safe_value<T>();
    return Sleep<detail::Callable<T>>(delay, detail::unwrap_callable(std::forward<T>(result)));
}

template <class D, class... Result>
    requires(!std::convertible_to<D, Delay>)
detail::Refused sleep(D&&, Result&&...) {
    static_assert(std::convertible_to<D, Delay>,
                  "ringio: a length of time is a std::chrono duration, such as 1s or 10ms");
    return {};
}

}  // namespace ringio

// AsyncGenerator: a coroutine that both awaits and yields. Each next() runs it within the task that
// asks, as a call of a Task would: it is the callee until it yields, and then it stands still.
#pragma once

#include <ringio/base/scope_exit.hpp>
#include <ringio/core/async_generator_hook.hpp>
#include <ringio/core/awaitable.hpp>
#include <ringio/core/callable.hpp>
#include <ringio/core/exceptions.hpp>
#include <ringio/core/format.hpp>

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

namespace ringio {

template <class T>
class AsyncGenerator;

namespace detail {

/// The handle's side of a generator, whatever its type.
class AsyncGeneratorOwner {
public:
    AsyncGeneratorOwner() noexcept = default;
    explicit AsyncGeneratorOwner(std::coroutine_handle<> coroutine) noexcept;
    AsyncGeneratorOwner(AsyncGeneratorOwner&& other) noexcept;
    AsyncGeneratorOwner& operator=(AsyncGeneratorOwner&& other) noexcept;
    ~AsyncGeneratorOwner();

    /// "<AsyncGenerator ticker() suspended at main.cpp:12>".
    std::string repr() const;

protected:
    std::coroutine_handle<> coroutine() const noexcept { return coroutine_; }

private:
    friend class AsyncGeneratorStep;

    /// Tells the generator where its handle is now.
    void register_here() noexcept;

    std::coroutine_handle<> coroutine_;
};

/// Legend of where a generator stands.
enum class AsyncGeneratorState : unsigned char {
    fresh,      ///< before its first step
    suspended,  ///< at a co_yield
    running,    ///< a step is on; the step's awaiter keeps the frame if the owner goes
    done,       ///< ended, or closed: it does not run again
};

struct AsyncGeneratorPromiseBase : AwaitingPromise {
    // A member: with a virtual function in a base, PromiseBase would not be at offset 0.
    struct Hook final : AsyncGeneratorHook {
        explicit Hook(AsyncGeneratorPromiseBase& generator) noexcept : promise(generator) {}
        Task<> aclose() override;
        std::string repr() const override;

        AsyncGeneratorPromiseBase& promise;
    };

    std::coroutine_handle<> coroutine;
    AsyncGeneratorOwner* owner = nullptr;  // null: it is gone, and the step on its way is the last
    std::exception_ptr exception;
    AsyncGeneratorState state = AsyncGeneratorState::fresh;
    bool closing = false;  // resumed by aclose(): co_yield throws GeneratorExit
    Hook hook{*this};

    explicit AsyncGeneratorPromiseBase(const std::source_location& where) noexcept
        : AwaitingPromise(where) {}

    static AsyncGeneratorPromiseBase& of(std::coroutine_handle<> generator) noexcept {
        return static_cast<AsyncGeneratorPromiseBase&>(PromiseBase::of(generator));
    }

    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() noexcept {
        state = AsyncGeneratorState::done;
        hook.unlink();
        return {};
    }
    void unhandled_exception() noexcept;
    void return_void() const noexcept {}

    std::string repr() const;

protected:
    ~AsyncGeneratorPromiseBase() = default;
};

/// Suspends at a co_yield and hands control back to the one who awaits next().
class YieldAwaiter {
public:
    explicit YieldAwaiter(AsyncGeneratorPromiseBase& promise) noexcept : promise_(promise) {}

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept {
        promise_.state = AsyncGeneratorState::suspended;
        return transfer(std::exchange(promise_.continuation, nullptr));
    }
    void await_resume() const {
        if (promise_.closing) {
            throw GeneratorExit();
        }
    }

private:
    AsyncGeneratorPromiseBase& promise_;
};

/// The same, with a value of its own: of an operand that had to be converted.
template <class T>
class YieldOwnAwaiter final : public YieldAwaiter {
public:
    template <class U>
    YieldOwnAwaiter(AsyncGeneratorPromiseBase& promise, T*& value, U&& operand)
        : YieldAwaiter(promise), own_(std::forward<U>(operand)) {
        value = std::addressof(own_);
    }
    YieldOwnAwaiter(const YieldOwnAwaiter&) = delete;
    YieldOwnAwaiter& operator=(const YieldOwnAwaiter&) = delete;

private:
    T own_;
};

template <class T>
struct AsyncGeneratorPromise final : AsyncGeneratorPromiseBase {
    static_assert(!std::is_reference_v<T> && !std::is_const_v<T>,
                  "ringio: an AsyncGenerator yields values; for references yield pointers or "
                  "std::reference_wrapper");

    // What was yielded: a named object to copy or, if that is null, a temporary to move from.
    T* temporary = nullptr;
    const T* named = nullptr;

    // The default argument is evaluated in the coroutine: it names its function.
    AsyncGeneratorPromise(std::source_location where = std::source_location::current()) noexcept
        : AsyncGeneratorPromiseBase(where) {}

    AsyncGenerator<T> get_return_object() noexcept;

    template <class U = T>
    auto yield_value(U&& operand, std::source_location where = std::source_location::current()) {
        using Operand = std::remove_cvref_t<U>;
        require_safe_operand<U, T>();
        location = where;
        named = nullptr;
        if constexpr (is_by_move<Operand>) {
            return YieldOwnAwaiter<T>(*this, temporary, operand.take());
        } else if constexpr (std::is_same_v<U, T>) {
            temporary = std::addressof(operand);
            return YieldAwaiter(*this);
        } else if constexpr (std::is_same_v<Operand, T> && std::is_copy_constructible_v<T>) {
            named = std::addressof(operand);
            return YieldAwaiter(*this);
        } else {
            static_assert(std::is_convertible_v<U, T>,
                          "ringio: this AsyncGenerator cannot yield an operand of this type");
            return YieldOwnAwaiter<T>(*this, temporary, std::forward<U>(operand));
        }
    }

    T take() {
        if constexpr (std::is_copy_constructible_v<T>) {
            if (named != nullptr) {
                return *named;
            }
        }
        return std::move(*temporary);
    }
};

/// Runs a generator until it yields or ends; what next() and aclose() have in common.
class AsyncGeneratorStep : public NativeAwaiter {
public:
    explicit AsyncGeneratorStep(std::coroutine_handle<> generator) noexcept
        : generator_(generator) {}
    AsyncGeneratorStep(const AsyncGeneratorStep&) = delete;
    AsyncGeneratorStep& operator=(const AsyncGeneratorStep&) = delete;

    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> awaiting) {
        static_assert(std::derived_from<P, PromiseBase>,
                      "ringio: an AsyncGenerator can only be awaited in a coroutine of this "
                      "library");
        enter(awaiting);
        return transfer(generator_);
    }

protected:
    /// Destroys the generator if the awaiting task was destroyed in the middle of the step: what it
    /// waits for could not resume it any more.
    ~AsyncGeneratorStep();

    bool idle() const noexcept {
        return generator_ && (promise().state == AsyncGeneratorState::fresh ||
                              promise().state == AsyncGeneratorState::suspended);
    }
    AsyncGeneratorPromiseBase& promise() const noexcept {
        return AsyncGeneratorPromiseBase::of(generator_);
    }

    /// Whether there was a step: if not, the generator has ended or runs already.
    bool stepped() const noexcept { return inside_; }

    /// Throws std::runtime_error if it runs already.
    void refuse_if_running(const char* message) const;

    /// Ends the step, and throws what the body has thrown.
    void leave();

    /// Destroys a generator whose owner has gone meanwhile.
    void destroy_orphan() const noexcept;

private:
    void enter(std::coroutine_handle<> awaiting);

    std::coroutine_handle<> generator_;
    bool inside_ = false;
};

template <class T>
class NextAwaiter final : public AsyncGeneratorStep {
public:
    using AsyncGeneratorStep::AsyncGeneratorStep;

    bool await_ready() const noexcept { return !idle(); }
    std::optional<T> await_resume() {
        if (!stepped()) {
            refuse_if_running("anext(): asynchronous generator is already running");
            return std::nullopt;
        }
        const ScopeExit last([this] { destroy_orphan(); });
        leave();
        if (promise().state == AsyncGeneratorState::done) {
            return std::nullopt;
        }
        // The step is on until the value has left the frame: its copy may be anybody's code.
        promise().state = AsyncGeneratorState::running;
        const ScopeExit stand_still([this] { promise().state = AsyncGeneratorState::suspended; });
        return static_cast<AsyncGeneratorPromise<T>&>(promise()).take();
    }
};

class CloseAwaiter final : public AsyncGeneratorStep {
public:
    using AsyncGeneratorStep::AsyncGeneratorStep;

    bool await_ready() const noexcept;
    void await_resume();
};

/// What next() and aclose() return; awaited, it runs the generator.
/// *Lifetime*: the generator must live until it is awaited.
template <class Awaiter>
class [[nodiscard]] AsyncGeneratorCall {
public:
    explicit AsyncGeneratorCall(std::coroutine_handle<> generator) noexcept
        : generator_(generator) {}
    Awaiter operator co_await() const noexcept { return Awaiter(generator_); }

private:
    std::coroutine_handle<> generator_;
};

}  // namespace detail

/// A coroutine that awaits and yields; what calling an `async def` with a `yield` gives in Python.
///
/// `while (auto item = co_await numbers.next())` is `async for`. The body runs within the task that
/// awaits next(), without a trip through the loop and without an allocation for each item. It may
/// be moved at any time, and used by several tasks, by one at a time.
///
/// co_yield cannot stand within timeout() or task_group(): their bodies are Tasks of their own. So
/// a scope never stays open while the generator stands still, as it may in Python (PEP 789).
/// *Cancellation*: reaches what the body awaits, and comes out of next() if the body lets it; as
/// any exception, it ends the generator.
/// *Lifetime*: owns the coroutine; arguments taken by reference must outlive it. To destroy one
/// that stands at a co_yield destroys what its body holds, at once: no code of the body runs. If
/// the body has to await to clean up, `co_await numbers.aclose()`. One that is destroyed while it
/// runs goes on to its next co_yield, and is destroyed there.
/// *Python*: there, dropping it schedules aclose(). No asend() or athrow().
template <class T>
class [[nodiscard]] AsyncGenerator : public detail::AsyncGeneratorOwner {
public:
    using promise_type = detail::AsyncGeneratorPromise<T>;
    using value_type = T;

    /// Has ended.
    AsyncGenerator() noexcept = default;
    explicit AsyncGenerator(std::coroutine_handle<promise_type> coroutine) noexcept
        : AsyncGeneratorOwner(coroutine) {}

    /// Awaited, runs to the next co_yield and gives the value; empty at the end and ever after. A
    /// temporary that was yielded is moved, a named object is copied.
    ///
    /// *Errors*: what the body throws; std::runtime_error while another next() or aclose() is on.
    /// *Python*: `anext(generator)`, where the end is StopAsyncIteration.
    detail::AsyncGeneratorCall<detail::NextAwaiter<T>> next() noexcept {
        return detail::AsyncGeneratorCall<detail::NextAwaiter<T>>(this->coroutine());
    }

    /// Awaited, ends the generator: throws GeneratorExit at the co_yield where it stands, and runs
    /// the body to its end. Destructors clean up on the way; a cleanup that awaits stands behind a
    /// `catch (const GeneratorExit&)`. One that has not begun, or has ended, does not run.
    ///
    /// *Errors*: what the body throws except GeneratorExit; std::runtime_error "async generator
    /// ignored GeneratorExit" when it yields once more, which ends it too (in Python it lives on);
    /// std::runtime_error while a next() or another aclose() is on.
    detail::AsyncGeneratorCall<detail::CloseAwaiter> aclose() noexcept {
        return detail::AsyncGeneratorCall<detail::CloseAwaiter>(this->coroutine());
    }
};

template <class T>
AsyncGenerator<T> detail::AsyncGeneratorPromise<T>::get_return_object() noexcept {
    return AsyncGenerator<T>(std::coroutine_handle<AsyncGeneratorPromise>::from_promise(*this));
}

}  // namespace ringio

template <class T>
struct fmt::formatter<ringio::AsyncGenerator<T>>
    : ringio::detail::ReprFormatter<ringio::AsyncGenerator<T>> {};

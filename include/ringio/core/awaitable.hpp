// What may stand behind co_await in a Task: our own awaitables, and any other type with an awaiter.
// Ours suspend the task themselves; a foreign one is given a bridge that wakes the task through the
// loop, so that even an awaiter that resumes on another thread is safe.
#pragma once

#include <ringio/core/coroutine.hpp>
#include <ringio/core/task_state.hpp>

#include <concepts>
#include <coroutine>
#include <memory>
#include <type_traits>
#include <utility>

namespace ringio {
namespace detail {

/// Throws std::runtime_error: "cannot reuse already awaited coroutine", or that there is none.
[[noreturn]] void throw_not_awaitable(bool has_coroutine);

template <class A>
concept HasMemberCoAwait =
    requires(A&& awaitable) { static_cast<A&&>(awaitable).operator co_await(); };
template <class A>
concept HasFreeCoAwait =
    requires(A&& awaitable) { operator co_await(static_cast<A&&>(awaitable)); };

template <class A>
decltype(auto) get_awaiter(A&& awaitable) {
    if constexpr (HasMemberCoAwait<A>) {
        return static_cast<A&&>(awaitable).operator co_await();
    } else if constexpr (HasFreeCoAwait<A>) {
        return operator co_await(static_cast<A&&>(awaitable));
    } else {
        return static_cast<A&&>(awaitable);
    }
}

/// Base of the library's awaiters: they know the task protocol.
struct NativeAwaiter {};

/// Base of the library's awaitables that an await uses up, as it does a Task: who takes awaitables
/// takes them also from an lvalue.
class SingleUse {
protected:
    SingleUse() noexcept = default;
    ~SingleUse() = default;

    /// Takes what is awaited. *Errors*: std::runtime_error when it was taken before.
    template <class Owner>
    static Owner& claim(Owner*& owner) {
        if (owner == nullptr) [[unlikely]] {
            throw_not_awaitable(true);
        }
        return *std::exchange(owner, nullptr);
    }
};

template <class A>
using AwaiterOf = decltype(get_awaiter(std::declval<A>()));

template <class A>
concept IsNative = std::derived_from<std::remove_reference_t<AwaiterOf<A>>, NativeAwaiter>;

template <class W>
concept IsAwaiter = requires(std::remove_reference_t<W>& awaiter) {
    { awaiter.await_ready() } -> std::convertible_to<bool>;
    awaiter.await_resume();
};

}  // namespace detail

/// Anything that may stand behind co_await in a Task.
template <class A>
concept Awaitable =
    requires { typename detail::AwaiterOf<A>; } && detail::IsAwaiter<detail::AwaiterOf<A>>;

/// The type of `co_await std::declval<A>()`.
template <Awaitable A>
using AwaitResult = decltype(std::declval<detail::AwaiterOf<A>>().await_resume());

namespace detail {

/// What a function gives that has refused its arguments, so that its sentence is the only error.
struct Refused {
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    Refused await_resume() const noexcept { return {}; }
};

/// What a bridge leads to; looked at on the loop's thread only.
struct BridgeEnd {
    TaskStateBase* task;  // null once the task does not wait any more
    std::coroutine_handle<> coroutine;
};

/// Makes a coroutine that, when resumed on whatever thread, wakes the task once.
/// *Lifetime*: it destroys itself when resumed; if nobody ever resumes it, it is leaked on purpose,
/// for a foreign awaiter may still hold it.
std::coroutine_handle<> make_bridge(EventLoop& loop, std::shared_ptr<BridgeEnd> end);

/// Awaits somebody else's awaitable inside a Task. It cannot be cancelled: the request stays for
/// the next wait. If it is a coroutine that awaits something of ours in turn, the task is suspended
/// there, and can be cancelled there.
template <class A>
class ForeignAwaiter final : public NativeAwaiter, public Wait {
public:
    explicit ForeignAwaiter(A&& awaitable) : awaiter_(get_awaiter(static_cast<A&&>(awaitable))) {}
    ForeignAwaiter(const ForeignAwaiter&) = delete;
    ForeignAwaiter& operator=(const ForeignAwaiter&) = delete;
    ~ForeignAwaiter() { leave(); }

    bool await_ready() { return static_cast<bool>(awaiter_.await_ready()); }

    std::coroutine_handle<> await_suspend(std::coroutine_handle<> coroutine) {
        using Result = decltype(awaiter_.await_suspend(coroutine));
        TaskStateBase& task = running_task();
        task.enter_foreign(coroutine);
        suspended_ = IntrusivePtr<TaskStateBase>(&task);
        end_ = std::make_shared<BridgeEnd>(BridgeEnd{&task, coroutine});
        const std::coroutine_handle<> bridge = make_bridge(task.loop(), end_);
        task.suspend(coroutine, *this);
        try {
            if constexpr (std::is_void_v<Result>) {
                awaiter_.await_suspend(bridge);
            } else if constexpr (std::is_same_v<Result, bool>) {
                if (!awaiter_.await_suspend(bridge)) {
                    bridge.destroy();
                    task.go_on();
                    return transfer(coroutine);
                }
            } else {
                return transfer(awaiter_.await_suspend(bridge));
            }
        } catch (...) {
            bridge.destroy();
            task.go_on();
            throw;
        }
        return std::noop_coroutine();
    }

    decltype(auto) await_resume() {
        leave();
        if (suspended_ && suspended_->has_cancellation()) {
            suspended_->defer_cancellation();
        }
        return awaiter_.await_resume();
    }

    bool cancel(const std::string&) noexcept override { return false; }
    const char* what() const noexcept override { return "a foreign awaitable"; }

private:
    void leave() noexcept {
        if (suspended_) {
            suspended_->leave_foreign();
        }
        if (end_) {
            end_->task = nullptr;
            end_.reset();
        }
    }

    AwaiterOf<A> awaiter_;
    IntrusivePtr<TaskStateBase> suspended_;
    std::shared_ptr<BridgeEnd> end_;
};

/// What co_await does in every coroutine of the library; the base of their promises.
struct AwaitingPromise : PromiseBase {
    using PromiseBase::PromiseBase;

    // GCC 12: awaiters are returned by value; one returned by reference gets a wrong `this`.
    template <class A>
    auto await_transform(A&& awaitable,
                         std::source_location where = std::source_location::current()) {
        static_assert(Awaitable<A>,
                      "ringio: this type cannot stand behind co_await; it has no await_ready, "
                      "await_suspend and await_resume");
        location = where;
        if constexpr (!IsNative<A>) {
            return ForeignAwaiter<A>(static_cast<A&&>(awaitable));
        } else if constexpr (HasMemberCoAwait<A>) {
            return static_cast<A&&>(awaitable).operator co_await();
        } else {
            return operator co_await(static_cast<A&&>(awaitable));
        }
    }

protected:
    ~AwaitingPromise() = default;
};

}  // namespace detail
}  // namespace ringio

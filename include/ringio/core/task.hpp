// Task: a lazy coroutine. Awaited, it runs inside the awaiting task, without a trip through the
// loop; given to create_task(), it becomes a running task with a TaskHandle.
#pragma once

#include <ringio/core/awaitable.hpp>
#include <ringio/core/future.hpp>
#include <ringio/core/promise.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace ringio {

template <class T = void>
class Task;

namespace detail {

/// How a coroutine ended: its exception, and the kind of it. The value is in the derived class.
struct TaskPromiseBase : AwaitingPromise {
    std::exception_ptr exception;
    ExceptionKind exception_kind = ExceptionKind::ordinary;

    using AwaitingPromise::AwaitingPromise;

    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept {
        exception_kind = current_exception_kind();
        exception = std::current_exception();
    }

protected:
    ~TaskPromiseBase() = default;
};

template <class T>
struct TaskPromise final : TaskPromiseBase {
    static_assert(!std::is_reference_v<T>,
                  "ringio: a Task cannot return a reference; return a pointer or "
                  "std::reference_wrapper");
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
                  "ringio: coroutine frames do not honour a larger alignment; return a "
                  "std::unique_ptr to the over-aligned value");

    bool has_value = false;  // only of one that must be destroyed
    union {
        T value;
    };

    // The default argument is evaluated in the coroutine: it names its function.
    TaskPromise(std::source_location where = std::source_location::current()) noexcept
        : TaskPromiseBase(where) {}
    ~TaskPromise() {
        if (has_value) {
            value.~T();
        }
    }

    Task<T> get_return_object() noexcept;
    void return_value(T&& result) noexcept(std::is_nothrow_move_constructible_v<T>) {
        ::new (static_cast<void*>(std::addressof(value))) T(std::move(result));
        note_value();
    }
    void return_value(const T& result)
        requires std::is_copy_constructible_v<T>
    {
        ::new (static_cast<void*>(std::addressof(value))) T(result);
        note_value();
    }
    T take() {
        if (exception) {
            std::rethrow_exception(std::move(exception));
        }
        return std::move(value);
    }

private:
    void note_value() noexcept {
        if constexpr (!std::is_trivially_destructible_v<T>) {
            has_value = true;
        }
    }
};

template <>
struct TaskPromise<void> final : TaskPromiseBase {
    TaskPromise(std::source_location where = std::source_location::current()) noexcept
        : TaskPromiseBase(where) {}

    Task<void> get_return_object() noexcept;
    void return_void() noexcept {}
    void take() {
        if (exception) {
            std::rethrow_exception(std::move(exception));
        }
    }
};

enum class Report : bool { nothing, never_awaited };

/// Destroys a coroutine whose owner goes, whatever its use; one that never ran is reported to the
/// exception handler if that is wanted.
void destroy_for_owner(std::coroutine_handle<> coroutine, Report report) noexcept;

/// Runs the coroutine in place of the awaiting one, which continues when it ends.
template <class T>
class TaskAwaiter : public NativeAwaiter {
public:
    explicit TaskAwaiter(std::coroutine_handle<TaskPromise<T>> coroutine) noexcept
        : coroutine_(coroutine) {}

    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> awaiting) const noexcept {
        static_assert(std::derived_from<P, PromiseBase>,
                      "ringio: a Task can only be awaited in a coroutine of this library");
        coroutine_.promise().continuation = awaiting;
        return transfer(coroutine_);
    }
    T await_resume() const { return coroutine_.promise().take(); }

    Outcome<T> await_outcome() const {
        TaskPromise<T>& promise = coroutine_.promise();
        if (promise.exception) {
            if (promise.exception_kind != ExceptionKind::ordinary &&
                running_task().cancelling() > 0) {
                std::rethrow_exception(std::move(promise.exception));
            }
            return Outcome<T>(std::move(promise.exception));
        }
        if constexpr (std::is_void_v<T>) {
            return Outcome<T>();
        } else {
            return Outcome<T>(std::move(promise.value));
        }
    }

private:
    std::coroutine_handle<TaskPromise<T>> coroutine_;
};

}  // namespace detail

/// A coroutine that has not run yet; what calling an `async def` function gives in Python.
///
/// Nothing runs until it is awaited or given to create_task(), once. `co_await f()` runs it within
/// the current task and does not yield unless it really has to wait.
/// *Errors*: awaiting it twice is a std::runtime_error.
/// *Lifetime*: owns the coroutine; arguments taken by reference must outlive it.
template <class T>
class [[nodiscard]] Task {
public:
    using promise_type = detail::TaskPromise<T>;
    using value_type = T;

    /// Holds no coroutine.
    Task() noexcept = default;
    explicit Task(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}
    Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        Task(std::move(other)).swap(*this);
        return *this;
    }
    /// Tells the loop's exception handler when the coroutine never ran: "coroutine 'f' was never
    /// awaited".
    ~Task() {
        if (coroutine_) {
            if (coroutine_.promise().use != detail::FrameUse::claimed) [[unlikely]] {
                detail::destroy_for_owner(coroutine_, detail::Report::never_awaited);
            } else {
                coroutine_.destroy();
            }
        }
    }

    /// Destroys a coroutine that shall not run after all, without a report.
    void close() noexcept {
        if (coroutine_) {
            detail::destroy_for_owner(std::exchange(coroutine_, nullptr), detail::Report::nothing);
        }
    }
    void swap(Task& other) noexcept { std::swap(coroutine_, other.coroutine_); }

    /// Says whether there is a coroutine.
    explicit operator bool() const noexcept { return static_cast<bool>(coroutine_); }

    detail::TaskAwaiter<T> operator co_await() & { return detail::TaskAwaiter<T>(claim()); }
    detail::TaskAwaiter<T> operator co_await() && { return detail::TaskAwaiter<T>(claim()); }

    /// Gives the coroutine away. *Errors*: std::runtime_error when it was awaited or given away.
    std::coroutine_handle<promise_type> release() {
        claim();
        return std::exchange(coroutine_, nullptr);
    }

private:
    std::coroutine_handle<promise_type> claim() {
        if (!coroutine_ || coroutine_.promise().use != detail::FrameUse::fresh) {
            detail::throw_not_awaitable(static_cast<bool>(coroutine_));
        }
        coroutine_.promise().use = detail::FrameUse::claimed;
        return coroutine_;
    }

    std::coroutine_handle<promise_type> coroutine_;
};

namespace detail {

template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
    return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept {
    return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

/// The state of a running Task<T>.
template <class T>
class TaskState final : public WithValue<TaskStateBase, T> {
public:
    using WithValue<TaskStateBase, T>::WithValue;

private:
    void take_result() noexcept override {
        const auto coroutine =
            std::coroutine_handle<TaskPromise<T>>::from_address(this->root().address());
        TaskPromise<T>& promise = coroutine.promise();
        if (promise.exception) {
            this->finish_with(std::move(promise.exception), promise.exception_kind);
        } else if (this->ends_cancelled()) {
            this->finish_cancelled();
        } else {
            store_value(promise);
        }
    }

    void store_value(TaskPromise<T>& promise) noexcept {
        try {
            if constexpr (std::is_void_v<T>) {
                this->set_value();
            } else {
                this->set_value(std::move(promise.value));
            }
        } catch (...) {
            this->finish_with(std::current_exception(), current_exception_kind());
        }
    }
};

/// Makes the state for a coroutine, which is destroyed when there is no memory for it: the
/// exception says why it was never awaited. *Errors*: as Task::release(); std::bad_alloc.
template <class T>
IntrusivePtr<TaskState<T>> make_task_state(EventLoop& loop, Task<T>& coroutine,
                                           const std::source_location& where) {
    const std::coroutine_handle<> root = coroutine.release();
    try {
        return IntrusivePtr<TaskState<T>>(new TaskState<T>(loop, root, where));
    } catch (...) {
        root.destroy();
        throw;
    }
}

std::vector<std::source_location> newest(std::vector<std::source_location> stack,
                                         std::size_t limit);
void print_stack(const TaskStateBase& task, std::size_t limit, std::FILE* file);

/// What AnyTask and TaskHandle can do that a handle to a future, their base, cannot.
template <class FutureHandle>
class TaskMethods : public FutureHandle {
public:
    using FutureHandle::FutureHandle;

    /// Takes one request to cancel back; returns how many are left.
    unsigned uncancel() const { return task().uncancel(); }
    /// Returns how many requests to cancel there were, less those taken back.
    unsigned cancelling() const { return task().cancelling(); }
    std::string get_name() const { return task().name(); }
    void set_name(std::string_view name) const { task().set_name(name); }

    /// Returns the context that the task runs in, shared with it.
    Context get_context() const { return task().context(); }

    /// Returns the awaits in which the task is suspended, oldest first, `limit` at most (0: all),
    /// the newest kept. Of a task that runs now, only where its own coroutine stands; of one that
    /// is done, nothing.
    std::vector<std::source_location> get_stack(std::size_t limit = 0) const {
        return newest(task().stack(), limit);
    }
    /// Prints get_stack() with file, line and function of each await.
    void print_stack(std::size_t limit = 0, std::FILE* file = stderr) const {
        detail::print_stack(task(), limit, file);
    }

private:
    TaskStateBase& task() const { return static_cast<TaskStateBase&>(this->state()); }
};

}  // namespace detail

/// A handle to any running task; what current_task() and all_tasks() give.
class AnyTask : public detail::TaskMethods<AnyFuture> {
public:
    AnyTask() = default;
    explicit AnyTask(IntrusivePtr<detail::FutureStateBase> state) noexcept
        : TaskMethods(std::move(state)) {}
};

/// A running task; asyncio.Task. It is a Future: await it, cancel it, add callbacks.
///
/// *Cancellation*: cancel() is a request, passed on to what the task waits for; the task ends when
/// its coroutine does. *Lifetime*: dropping the handle detaches; the loop owns the task.
template <class T = void>
class TaskHandle : public detail::TaskMethods<Future<T>> {
public:
    TaskHandle() = default;
    explicit TaskHandle(IntrusivePtr<detail::FutureStateBase> state) noexcept
        : detail::TaskMethods<Future<T>>(std::move(state)) {}

    operator AnyTask() const { return AnyTask(this->shared_state()); }

    /// As Future::add_done_callback(); `function` may take the TaskHandle.
    template <class Fn>
    std::uint64_t add_done_callback(Fn&& function,
                                    std::source_location where = std::source_location::current()) {
        return this->template add_callback<TaskHandle>(std::forward<Fn>(function), where);
    }
};

template <class T>
TaskHandle<T> EventLoop::create_task(Task<T> coroutine, const TaskOptions& options,
                                     std::source_location where) {
    machine_.check_call();
    IntrusivePtr<detail::TaskState<T>> task = detail::make_task_state(*this, coroutine, where);
    task->start(machine_, &options);
    return TaskHandle<T>(std::move(task));
}

template <class T>
TaskHandle<T> EventLoop::create_task(Task<T> coroutine, std::source_location where) {
    machine_.check_call();
    IntrusivePtr<detail::TaskState<T>> task = detail::make_task_state(*this, coroutine, where);
    task->start(machine_, nullptr);
    return TaskHandle<T>(std::move(task));
}

/// A task factory that has every task start eagerly; asyncio.eager_task_factory.
void eager_task_factory(EventLoop& loop, const AnyTask& task, TaskOptions& options);

}  // namespace ringio

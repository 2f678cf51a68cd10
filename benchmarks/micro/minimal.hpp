// The limit of the micro benchmarks: the least that a single-threaded coroutine loop can do and
// still be one. Tasks with symmetric transfer and shared futures over minimal_loop.hpp; channels
// are in minimal_channel.hpp, calls from other threads in minimal_posting_loop.hpp. It has
// asyncio's order of events but no names, no checks, and nothing that only one test needs is paid
// by another: who awaits cancellable(future) can be cancelled, others cannot. A spawned task costs
// its frame and nothing else. What is unfinished when run() returns is leaked. It bears ringio's
// names, so that both compile the same tests.
#pragma once

#include "minimal_loop.hpp"

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

namespace minimal {

struct CancelledError {};

/// A wait that can be cut short.
struct CancellableWait {
    virtual void cancel() noexcept = 0;

protected:
    ~CancellableWait() = default;
};

/// Who waits for a task, or, in a gather, for the last of several.
struct Waiter {
    Ready ready{};
    std::size_t missing = 1;
};

/// What every coroutine's frame carries. An awaited child resumes its parent in place; a spawned
/// task wakes its waiter in a coming turn.
struct PromiseBase {
    enum class State : unsigned char { pending, returned, failed };

    Ready ready;               // spawned: starts the task; awaited: holds the parent
    Waiter* waiter = nullptr;  // spawned
    State state = State::pending;
    bool awaited = false;
    bool detached = false;

    static void* operator new(std::size_t size) { return Pool::allocate(size); }
    static void operator delete(void* memory, std::size_t size) { Pool::release(memory, size); }

    struct FinalAwaiter {
        bool await_ready() const noexcept { return false; }
        void await_resume() const noexcept {}

        template <class P>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) const noexcept {
            PromiseBase& promise = self.promise();
            if (promise.awaited) {
                return promise.ready.coroutine;
            }
            if (promise.waiter != nullptr && --promise.waiter->missing == 0) {
                running_loop->push(promise.waiter->ready);
            }
            if (promise.detached) {
                self.destroy();
            }
            return std::noop_coroutine();
        }
    };

    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() const noexcept { return {}; }
};

/// What becomes of the task, in the place of what it waits for before.
template <class T>
struct Result : PromiseBase {
    union {
        CancellableWait* wait = nullptr;  // pending
        T value;                          // returned
        std::exception_ptr exception;     // failed
    };

    Result() noexcept {}
    ~Result() {
        if (state == State::returned) {
            value.~T();
        } else if (state == State::failed) {
            exception.~exception_ptr();
        }
    }
    void unhandled_exception() noexcept {
        ::new (&exception) std::exception_ptr(std::current_exception());
        state = State::failed;
    }
    T&& take() {
        if (state == State::failed) {
            std::rethrow_exception(exception);
        }
        return std::move(value);
    }
};

struct Nothing {};

template <class T>
struct TaskPromise : Result<T> {
    std::coroutine_handle<TaskPromise> get_return_object() noexcept {
        return std::coroutine_handle<TaskPromise>::from_promise(*this);
    }
    template <class U>
    void return_value(U&& result) {
        ::new (&this->value) T(std::forward<U>(result));
        this->state = PromiseBase::State::returned;
    }
};

template <>
struct TaskPromise<void> : Result<Nothing> {
    std::coroutine_handle<TaskPromise> get_return_object() noexcept {
        return std::coroutine_handle<TaskPromise>::from_promise(*this);
    }
    void return_void() noexcept { state = State::returned; }
};

/// Lazy, awaited once; the child starts and the parent goes on without the loop.
template <class T = void>
class [[nodiscard]] Task {
public:
    using promise_type = TaskPromise<T>;
    using Coroutine = std::coroutine_handle<promise_type>;

    Task(Coroutine coroutine) noexcept : coroutine_(coroutine) {}
    Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        std::swap(coroutine_, other.coroutine_);
        return *this;
    }
    ~Task() {
        if (coroutine_) {
            coroutine_.destroy();
        }
    }

    struct Awaiter {
        Coroutine child;

        bool await_ready() const noexcept { return false; }
        Coroutine await_suspend(std::coroutine_handle<> parent) const noexcept {
            child.promise().ready.coroutine = parent;
            child.promise().awaited = true;
            return child;
        }
        T await_resume() const { return static_cast<T>(child.promise().take()); }
    };

    Awaiter operator co_await() const noexcept { return {coroutine_}; }
    Coroutine get() const noexcept { return coroutine_; }
    Coroutine release() noexcept { return std::exchange(coroutine_, nullptr); }

private:
    Coroutine coroutine_;
};

/// A running task; dropping the handle detaches it.
template <class T>
class TaskHandle {
public:
    using Coroutine = typename Task<T>::Coroutine;

    explicit TaskHandle(Coroutine coroutine) noexcept : coroutine_(coroutine) {}
    TaskHandle(TaskHandle&& other) noexcept
        : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
    TaskHandle& operator=(TaskHandle&&) = delete;
    ~TaskHandle() {
        if (coroutine_) {
            if (coroutine_.done()) {
                coroutine_.destroy();
            } else {
                coroutine_.promise().detached = true;
            }
        }
    }

    struct Awaiter {
        Coroutine task;
        Waiter waiter{};

        bool await_ready() const noexcept { return task.done(); }
        void await_suspend(std::coroutine_handle<> parent) noexcept {
            waiter.ready.coroutine = parent;
            task.promise().waiter = &waiter;
        }
        T await_resume() const { return static_cast<T>(task.promise().take()); }
    };

    Awaiter operator co_await() const noexcept { return {coroutine_}; }

    /// Ends the wait for a cancellable(future); the task must be in one.
    void cancel() noexcept { coroutine_.promise().wait->cancel(); }

private:
    Coroutine coroutine_;
};

template <class Promise>
void start(std::coroutine_handle<Promise> coroutine) noexcept {
    PromiseBase& promise = coroutine.promise();
    promise.ready.coroutine = coroutine;
    running_loop->push(promise.ready);
}

template <class T>
TaskHandle<T> create_task(Task<T> task) noexcept {
    start(task.get());
    return TaskHandle<T>(task.release());
}

template <class T>
class Gather {
public:
    explicit Gather(std::vector<Task<T>> tasks) : tasks_(std::move(tasks)) {
        waiter_.missing = tasks_.size();
        for (const Task<T>& task : tasks_) {
            task.get().promise().waiter = &waiter_;
            start(task.get());
        }
    }
    Gather(const Gather&) = delete;

    bool await_ready() const noexcept { return tasks_.empty(); }
    void await_suspend(std::coroutine_handle<> parent) noexcept {
        waiter_.ready.coroutine = parent;
    }
    std::vector<T> await_resume() const {
        std::vector<T> results;
        results.reserve(tasks_.size());
        for (const Task<T>& task : tasks_) {
            results.push_back(task.get().promise().take());
        }
        return results;
    }

private:
    std::vector<Task<T>> tasks_;
    Waiter waiter_;
};

/// To be awaited where it is called: the children start there.
template <class T>
Gather<T> gather(std::vector<Task<T>> tasks) {
    return Gather<T>(std::move(tasks));
}

/// sleep(0s) lets everybody else run once. A longer one lives in the frame and in the heap, and
/// cannot be cancelled.
struct Sleep final : Timer {
    union {
        std::chrono::nanoseconds delay;  // before it begins
        Ready ready;                     // from then on
    };

    explicit Sleep(std::chrono::nanoseconds given) noexcept : delay(given) {}

    bool await_ready() const noexcept { return false; }
    void await_resume() const noexcept {}
    void await_suspend(std::coroutine_handle<> self) noexcept {
        const std::chrono::nanoseconds wanted = delay;
        ::new (&ready) Ready{.coroutine = self};
        if (wanted.count() <= 0) {
            running_loop->push(ready);
        } else {
            running_loop->arm(*this, wanted.count());
        }
    }

    void fire() override { running_loop->push(ready); }
    void drop() noexcept override {}
};

/// By value and without conversion: what a reference binds to would be kept in the frame.
template <class Rep, class Period>
Sleep sleep(std::chrono::duration<Rep, Period> delay) noexcept {
    return Sleep(delay);
}

template <class T>
struct FutureState {
    std::optional<T> value;
    Ready* waiter = nullptr;
    std::size_t references = 1;

    static void* operator new(std::size_t size) { return Pool::allocate(size); }
    static void operator delete(void* memory, std::size_t size) { Pool::release(memory, size); }
};

/// A shared reference to a state, counted without atomics: one thread.
template <class T>
class FutureBase {
public:
    FutureBase(const FutureBase& other) noexcept : state_(other.state_) { ++state_->references; }
    FutureBase(FutureBase&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    FutureBase& operator=(FutureBase other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~FutureBase() {
        if (state_ != nullptr && --state_->references == 0) {
            delete state_;
        }
    }

protected:
    explicit FutureBase(FutureState<T>* state) noexcept : state_(state) {}

    FutureState<T>* state_;
};

template <class T>
class Future : FutureBase<T> {
public:
    struct Awaiter {
        FutureState<T>* state;
        Ready ready{};

        bool await_ready() const noexcept { return state->value.has_value(); }
        void await_suspend(std::coroutine_handle<> self) noexcept {
            ready.coroutine = self;
            state->waiter = &ready;
        }
        const T& await_resume() const noexcept { return *state->value; }
    };

    /// Throws CancelledError into the task when its handle's cancel() ended the wait.
    struct CancellableAwaiter final : CancellableWait {
        FutureState<T>* state;
        Ready ready{};
        bool cancelled = false;

        explicit CancellableAwaiter(FutureState<T>* given) noexcept : state(given) {}

        bool await_ready() const noexcept { return state->value.has_value(); }
        template <class P>
        void await_suspend(std::coroutine_handle<P> self) noexcept {
            ready.coroutine = self;
            state->waiter = &ready;
            self.promise().wait = this;
        }
        const T& await_resume() const {
            if (cancelled) {
                throw CancelledError();
            }
            return *state->value;
        }
        void cancel() noexcept override {
            if (!state->value) {
                cancelled = true;
                state->waiter = nullptr;
                running_loop->push(ready);
            }
        }
    };

    Awaiter operator co_await() const noexcept { return {this->state_}; }
    CancellableAwaiter cancellable() const noexcept { return CancellableAwaiter(this->state_); }

private:
    friend class Promise<T>;
    explicit Future(const FutureBase<T>& base) noexcept : FutureBase<T>(base) {}
};

template <class T>
class Promise : FutureBase<T> {
public:
    Promise() : FutureBase<T>(new FutureState<T>) {}

    Future<T> get_future() const noexcept { return Future<T>(*this); }
    void set_result(T value) {
        this->state_->value.emplace(std::move(value));
        if (this->state_->waiter != nullptr) {
            running_loop->push(*this->state_->waiter);
        }
    }
};

template <class T>
Promise<T> EventLoop::create_future() {
    return {};
}

template <class T>
T run(Task<T> task) {
    EventLoop loop;
    running_loop = &loop;
    start(task.get());
    while (!task.get().done()) {
        loop.run_once();
    }
    running_loop = nullptr;
    return static_cast<T>(task.get().promise().take());
}

}  // namespace minimal

// concurrent::Future: a result that some thread will set. Any thread may wait for it, cancel it or
// add a callback, while a ringio::Future belongs to one loop; wrap_future() leads from here to
// there.
#pragma once

#include <ringio/base/delay.hpp>
#include <ringio/base/intrusive_list.hpp>
#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/base/unique_function.hpp>
#include <ringio/core/format.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace ringio {
namespace detail {

/// Legend of the status: pending -> running -> filling -> finished, or pending -> cancelled. The
/// producer may leave running out, and cancels when it goes away without a result. While the value
/// is made, which may be anybody's code and so is done unlocked, the status is `filling`: as
/// running to everybody, but the result is taken. A value that throws takes that back.
enum class ConcurrentStatus : unsigned char { pending, running, filling, finished, cancelled };

/// Is told, once, that a future has ended: what wait() and as_completed() are made of. Unlike a
/// done callback it can be taken back. *Lifetime*: until it has been told, or unwatch() has
/// returned; it keeps no future.
class EndWatcher : public IntrusiveListHook {
public:
    /// Called in the thread that ends the future, with the future locked: it may wake somebody, and
    /// nothing else. Cancelled is not failed.
    virtual void ended(bool failed) noexcept = 0;

protected:
    ~EndWatcher() = default;
};

/// Who does the work of futures: what those who wait for one, or cancel it, can ask of it.
class ConcurrentWorker {
public:
    /// A thread is going to wait until `deadline` for the future `id`: it may do, until then, what
    /// brings the result.
    virtual void wait_for(std::uint64_t id, std::chrono::steady_clock::time_point deadline) = 0;
    /// Somebody has cancelled the future `id`: its work is not to begin, or to end.
    virtual void on_cancel(std::uint64_t id) noexcept = 0;

protected:
    ~ConcurrentWorker() = default;
};

/// The work of one future.
struct ConcurrentWork {
    std::weak_ptr<ConcurrentWorker> worker;
    std::uint64_t id = 0;
    bool may_end = false;  ///< it can be cancelled while it runs, too
};

/// The part of a concurrent future's state that does not depend on its type.
///
/// It comes from plain operator new and counts atomically, for any thread may be the last owner.
class ConcurrentStateBase {
public:
    using DoneCallback = UniqueFunction<void(ConcurrentStateBase&)>;

    /// Keeps the state while it calls the user's code, which may drop every other owner.
    class Keep {
    public:
        explicit Keep(ConcurrentStateBase& state) noexcept : state_(state) {
            state_.owners_.fetch_add(producer_weight, std::memory_order_relaxed);
        }
        Keep(const Keep&) = delete;
        Keep& operator=(const Keep&) = delete;
        ~Keep() { state_.disown(producer_weight); }

    private:
        ConcurrentStateBase& state_;
    };

    ConcurrentStateBase() = default;
    ConcurrentStateBase(const ConcurrentStateBase&) = delete;
    ConcurrentStateBase& operator=(const ConcurrentStateBase&) = delete;
    virtual ~ConcurrentStateBase() = default;

    bool running() const {
        const ConcurrentStatus now = status();
        return now == ConcurrentStatus::running || now == ConcurrentStatus::filling;
    }
    bool cancelled() const { return status() == ConcurrentStatus::cancelled; }
    bool done() const { return status() > ConcurrentStatus::filling; }
    bool cancel();

    /// Waits for the end (no timeout: as long as it takes) and throws unless there is a value.
    void require_value(const std::optional<Delay>& timeout);
    std::exception_ptr exception(const std::optional<Delay>& timeout);

    /// Calls `callback` in the thread that ends the wait, or at once when that is over.
    void add_done_callback(DoneCallback callback);
    /// Has `watcher` told of the end; here and now when done.
    void watch(EndWatcher& watcher) noexcept;
    /// It is told nothing more, and not being told any more.
    void unwatch(EndWatcher& watcher) noexcept;
    std::string repr() const;

    bool set_running_or_notify_cancel();
    /// Says who does the work. Before it runs.
    void set_work(const ConcurrentWork& work) { work_ = work; }
    void set_exception(std::exception_ptr exception);
    /// Cancels unless done, even while running: nobody is left to set a result.
    void abandon() noexcept;

    /// Says whether there is another Future than the caller's. Exact: a value that is not shared
    /// may be moved out.
    bool is_shared() const noexcept {
        return owners_.load(std::memory_order_acquire) >= 2 * handle_weight;
    }
    friend void intrusive_add_ref(ConcurrentStateBase* state) noexcept {
        state->owners_.fetch_add(handle_weight, std::memory_order_relaxed);
    }
    friend void intrusive_release(ConcurrentStateBase* state) noexcept {
        state->disown(handle_weight);
    }
    void release_producer() noexcept { disown(producer_weight); }

protected:
    /// Takes the right to set the value; returns the status to go back to.
    /// *Errors*: InvalidStateError when somebody has it, or it is done.
    ConcurrentStatus begin_value();
    void drop_value(ConcurrentStatus before) noexcept;
    void end_value() noexcept;

    /// *Errors*: InvalidStateError when done.
    void require_not_done(const std::unique_lock<std::mutex>& lock) const;
    /// The one transition: tells the watchers, wakes everybody who waits, then calls the callbacks,
    /// unlocked.
    void finish(std::unique_lock<std::mutex> lock, ConcurrentStatus status) noexcept;

    virtual const std::type_info& value_type() const noexcept = 0;

    mutable std::mutex mutex_;

private:
    ConcurrentStatus status() const {
        const std::lock_guard lock(mutex_);
        return status_;
    }
    void wait(const std::optional<Delay>& timeout);
    bool may_cancel() const noexcept {
        return status_ == ConcurrentStatus::pending ||
               (status_ == ConcurrentStatus::running && work_.may_end);
    }
    void call(DoneCallback& callback) noexcept;
    std::string repr(const std::unique_lock<std::mutex>& lock) const;
    void disown(std::uint64_t weight) noexcept {
        if (owners_.fetch_sub(weight, std::memory_order_acq_rel) == weight) {
            delete this;
        }
    }

    static constexpr std::uint64_t producer_weight = 1;  // of the Promise, and of each Keep
    static constexpr std::uint64_t handle_weight = std::uint64_t{1} << 32U;  // of each Future

    std::atomic<std::uint64_t> owners_ = producer_weight;
    std::condition_variable ended_;
    std::list<DoneCallback> callbacks_;  // guarded by mutex_, as all that follows
    IntrusiveList<EndWatcher> watchers_;
    std::exception_ptr exception_;  // never changes once done
    ConcurrentStatus status_ = ConcurrentStatus::pending;
    ConcurrentWork work_;     // never changes once it runs
    bool abandoned_ = false;  // within the making of a value: should that throw, it is cancelled
};

template <class T>
class ConcurrentState final : public ConcurrentStateBase {
    static_assert(!std::is_reference_v<T>,
                  "ringio: a future cannot hold a reference; use a pointer or "
                  "std::reference_wrapper");

    using Value = Stored<T>;

public:
    template <class... Args>
    void set_value(Args&&... args) {
        const Keep keep(*this);
        const ConcurrentStatus before = begin_value();
        try {
            value_.emplace(std::forward<Args>(args)...);
        } catch (...) {
            drop_value(before);
            throw;
        }
        end_value();
    }

    const Value& value() const noexcept { return *value_; }

    /// Moves the value out if the caller holds the only Future, else copies it.
    Value take() {
        if constexpr (std::is_copy_constructible_v<Value>) {
            if (is_shared()) {
                return *value_;
            }
        }
        return std::move(*value_);
    }

private:
    const std::type_info& value_type() const noexcept override { return typeid(T); }

    std::optional<Value> value_;  // never changes once done, except by take()
};

[[noreturn]] void throw_no_concurrent_future();

}  // namespace detail

namespace concurrent {

/// A handle to a result that some thread will set; concurrent.futures.Future. Copies refer to the
/// same result. Thread-safe, as long as each thread has a handle of its own.
///
/// Its waits block the thread: on a loop's thread use wrap_future() and co_await.
template <class T = void>
class Future {
    using Result = std::conditional_t<std::is_void_v<T>, void, const detail::Stored<T>&>;

public:
    using value_type = T;

    /// Refers to nothing: only valid(), assignment and destruction are allowed.
    Future() = default;
    explicit Future(IntrusivePtr<detail::ConcurrentState<T>> state) noexcept
        : state_(std::move(state)) {}

    bool valid() const noexcept { return static_cast<bool>(state_); }
    bool done() const { return state().done(); }
    bool cancelled() const { return state().cancelled(); }
    bool running() const { return state().running(); }

    /// Cancels what has not begun; those who wait get CancelledError. False when it runs or has a
    /// result; true also when it was cancelled before.
    bool cancel() const { return state().cancel(); }

    /// Waits for the result and returns it. An rvalue moves the value out if this is the only
    /// handle (or the type cannot be copied), else copies it.
    /// *Errors*: the exception that was set; CancelledError; TimeoutError when `timeout` passes
    /// first.
    Result result() const& { return get(std::nullopt); }
    Result result(Delay timeout) const& { return get(timeout); }
    T result() && { return take(std::nullopt); }
    T result(Delay timeout) && { return take(timeout); }

    /// Waits for the end; returns the exception, or null when there is a value.
    /// *Errors*: CancelledError; TimeoutError when `timeout` passes first.
    std::exception_ptr exception() const { return state().exception(std::nullopt); }
    std::exception_ptr exception(Delay timeout) const { return state().exception(timeout); }

    /// Has `function(future)`, or `function()`, called by the thread that sets the result or
    /// cancels; here and now when done. What it throws is printed to standard error.
    /// *Errors*: std::invalid_argument for null.
    template <class Fn>
    void add_done_callback(Fn&& function) const {
        using Function = std::decay_t<Fn>;
        static_assert(std::is_invocable_v<Function&, Future> || std::is_invocable_v<Function&>,
                      "ringio: a done callback takes the future, or nothing");
        Function callback(std::forward<Fn>(function));
        if (ringio::detail::is_null_callable(callback)) {
            throw std::invalid_argument("the done callback is null; pass a callable");
        }
        // The handle goes along, so that nobody moves the value out before the call.
        state().add_done_callback(
            [fn = std::move(callback), self = *this](detail::ConcurrentStateBase&) mutable {
                if constexpr (std::is_invocable_v<Function&, Future>) {
                    static_cast<void>(fn(std::move(self)));
                } else {
                    static_cast<void>(fn());
                }
            });
    }

    /// "<Future at 0x… state=finished returned int>", as Python's repr, with C++ names of types.
    std::string repr() const { return state_ ? state_->repr() : "<Future none>"; }

    friend bool operator==(const Future& a, const Future& b) noexcept {
        return a.state_ == b.state_;
    }

    const IntrusivePtr<detail::ConcurrentState<T>>& shared_state() const noexcept { return state_; }

private:
    detail::ConcurrentState<T>& state() const {
        if (!state_) {
            detail::throw_no_concurrent_future();
        }
        return *state_;
    }
    Result get(const std::optional<Delay>& timeout) const {
        state().require_value(timeout);
        if constexpr (!std::is_void_v<T>) {
            return state_->value();
        }
    }
    T take(const std::optional<Delay>& timeout) {
        state().require_value(timeout);
        const auto state = std::move(state_);
        if constexpr (!std::is_void_v<T>) {
            return state->take();
        }
    }

    IntrusivePtr<detail::ConcurrentState<T>> state_;
};

/// Sets the result of a concurrent::Future. Move-only: there is one producer.
///
/// *Lifetime*: destroyed without a result, it cancels the future, so that nobody waits for ever.
/// *Python*: the producer's half of concurrent.futures.Future.
template <class T = void>
class Promise {
public:
    using value_type = T;

    /// Makes a pending future.
    Promise() : state_(new detail::ConcurrentState<T>) {}
    Promise(Promise&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    Promise& operator=(Promise&& other) noexcept {
        Promise(std::move(other)).swap(*this);
        return *this;
    }
    ~Promise() {
        if (state_ != nullptr) {
            state_->abandon();
            state_->release_producer();
        }
    }
    void swap(Promise& other) noexcept { std::swap(state_, other.state_); }

    Future<T> get_future() const {
        return Future<T>(IntrusivePtr<detail::ConcurrentState<T>>(&state()));
    }
    bool cancelled() const { return state().cancelled(); }

    /// Begins the work: from now on it cannot be cancelled. False when it has been already.
    /// *Errors*: std::runtime_error "Future in unexpected state" when it runs or is finished.
    bool set_running_or_notify_cancel() { return state().set_running_or_notify_cancel(); }

    /// Sets the value, constructed from `args`, and calls the done callbacks.
    /// *Errors*: InvalidStateError when done already; what the constructor of the value throws.
    template <class... Args>
        requires std::constructible_from<detail::Stored<T>, Args...>
    void set_result(Args&&... args) {
        state().set_value(std::forward<Args>(args)...);
    }

    /// Sets an exception: a std::exception_ptr, or an exception object.
    /// *Errors*: InvalidStateError when done already; std::invalid_argument for a null pointer.
    void set_exception(std::exception_ptr exception) {
        state().set_exception(std::move(exception));
    }
    template <class E>
        requires(!std::same_as<std::remove_cvref_t<E>, std::exception_ptr> &&
                 !std::same_as<std::remove_cvref_t<E>, std::nullptr_t>)
    void set_exception(E&& exception) {
        set_exception(std::make_exception_ptr(std::forward<E>(exception)));
    }

private:
    detail::ConcurrentState<T>& state() const {
        if (state_ == nullptr) {
            detail::throw_no_concurrent_future();
        }
        return *state_;
    }

    detail::ConcurrentState<T>* state_;
};

}  // namespace concurrent
}  // namespace ringio

template <class T>
struct fmt::formatter<ringio::concurrent::Future<T>>
    : ringio::detail::ReprFormatter<ringio::concurrent::Future<T>> {};

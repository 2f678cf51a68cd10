// What the ready queue holds. The event loop knows nothing else: a task step, a timer that went
// off, a done callback and a call_soon() are all a Runnable.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/base/intrusive_queue.hpp>
#include <ringio/base/unique_function.hpp>
#include <ringio/core/context.hpp>
#include <ringio/core/frame_allocator.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

namespace ringio {

class EventLoop;

/// Something that the ready queue can hold; it is in the queue at most once.
class Runnable {
public:
    Runnable() = default;
    Runnable(const Runnable&) = delete;
    Runnable& operator=(const Runnable&) = delete;

    /// Does the work. Called once for each time that it was queued, by the loop.
    virtual void run() = 0;

    /// Whether it is a detail::TaskStateBase, whose steps the loop makes without this call.
    bool is_task() const noexcept { return is_task_; }

    /// Called instead of run() when the loop closes with the runnable still queued.
    virtual void discard() noexcept = 0;

    /// Called instead of both when its loop goes and the runnable stays in memory for ever.
    virtual void outlive_loop() noexcept {}

    /// What it is, for a report: "<Task pending …>", "<Handle main() at main.cpp:12>".
    virtual std::string repr() const { return "<Handle>"; }

    Runnable* next_ready = nullptr;

protected:
    enum class Kind : bool { call, task };

    explicit Runnable(Kind kind) noexcept : is_task_(kind == Kind::task) {}
    ~Runnable() = default;

private:
    const bool is_task_ = false;
};

/// Has the memory of what is going to run fetched, while something else runs.
inline void prefetch(const Runnable& runnable) noexcept {
    const char* const memory = reinterpret_cast<const char*>(&runnable);
    __builtin_prefetch(memory, 1);
    __builtin_prefetch(memory + 64, 1);
}

using ReadyQueue = IntrusiveQueue<Runnable, &Runnable::next_ready>;

/// Something that is done once at the end of the turn in which it was asked for, after all that was
/// ready. It leaves the loop's list by itself when it is destroyed before.
class TurnEnd : public IntrusiveListHook {
public:
    virtual void end_turn() noexcept = 0;

protected:
    TurnEnd() noexcept = default;
    ~TurnEnd() = default;
};

/// Tells one turn of a loop from the next, and keeps what may be answered at once within it.
class Turn {
public:
    static constexpr int immediate_answers = 64;

    void begin_next() noexcept { ++number_; }
    std::uint32_t number() const noexcept { return number_; }

    /// The first one who asks in a turn refills the budget: a turn in which nobody does pays
    /// nothing.
    bool take_immediate_answer() noexcept {
        if (budget_of_ != number_) {
            budget_of_ = number_;
            budget_ = immediate_answers;
        }
        return budget_ > 0 && (--budget_, true);
    }

private:
    std::uint32_t number_ = 0;
    std::uint32_t budget_of_ = 0;
    int budget_ = 0;
};

namespace detail {

[[noreturn]] void throw_null_callback();

/// How a callable of some type is called and destroyed where it lies.
struct CallableTable {
    void (*call)(void* callable);
    void (*destroy)(void* callable) noexcept;  // null: nothing to do
};

template <class Fn>
void call_callable(void* callable) {
    invoke_as<void>(*static_cast<Fn*>(callable));
}
template <class Fn>
void destroy_callable(void* callable) noexcept {
    static_cast<Fn*>(callable)->~Fn();
}
template <class Fn>
inline constexpr CallableTable callable_table{
    &call_callable<Fn>, std::is_trivially_destructible_v<Fn> ? nullptr : &destroy_callable<Fn>};

}  // namespace detail

/// A callable together with the place that handed it over.
class Callback {
public:
    /// *Errors*: std::invalid_argument when the callable is a null pointer or an empty function.
    template <class Fn>
        requires(!std::is_same_v<std::remove_cvref_t<Fn>, Callback> &&
                 std::is_invocable_v<std::decay_t<Fn>&>)
    Callback(Fn&& function, std::source_location where = std::source_location::current())
        : function_(std::forward<Fn>(function)), where_(where) {
        if (!function_) {
            detail::throw_null_callback();
        }
    }

    template <class Fn>
        requires(!std::is_same_v<std::remove_cvref_t<Fn>, Callback> &&
                 !std::is_invocable_v<std::decay_t<Fn>&>)
    Callback(Fn&&) {
        static_assert(std::is_invocable_v<std::decay_t<Fn>&>,
                      "ringio: a callback is called with the arguments that stand behind it; "
                      "this one cannot be called without arguments");
    }

    /// Refuses a null pointer at run time, as a null function is refused.
    Callback(std::nullptr_t) : Callback(static_cast<void (*)()>(nullptr)) {}

    UniqueFunction<void()>&& function() && noexcept { return std::move(function_); }
    const std::source_location& where() const noexcept { return where_; }

private:
    UniqueFunction<void()> function_;
    std::source_location where_;
};

namespace detail {

/// What a loop keeps together with its books of it: a callable without arguments.
template <class Fn>
concept Kept =
    !std::is_same_v<std::remove_cvref_t<Fn>, Callback> &&
    std::is_constructible_v<std::decay_t<Fn>, Fn> && std::is_invocable_v<std::decay_t<Fn>&>;

/// A callable that calls `function(args...)`, both copied or moved.
template <class Fn, class... Args>
auto bind(Fn&& function, Args&&... args) {
    static_assert(std::is_invocable_v<std::decay_t<Fn>&, std::decay_t<Args>&...>,
                  "ringio: a callback is called with the arguments that stand behind it; "
                  "this one cannot be called with these");
    return [fn = std::decay_t<Fn>(std::forward<Fn>(function)),
            ... bound = std::decay_t<Args>(std::forward<Args>(args))]() mutable {
        static_cast<void>(std::invoke(fn, bound...));
    };
}

/// "<Handle main() at main.cpp:12>", "<TimerHandle cancelled …>".
std::string describe_call(const char* type, bool cancelled, const std::source_location& where);

/// Within a catch block: tells the loop's exception handler what a callback threw; a
/// KeyboardInterrupt leaves run().
void report_callback(EventLoop& loop, bool cancelled, const std::source_location& where) noexcept;

/// A callback in the hands of a loop: what the shared parts of Handle and TimerHandle have in
/// common. The callable lies beside it, in the same block of memory.
class ScheduledCallback {
public:
    bool cancelled() const noexcept { return cancelled_; }

    /// A copy of the context that the callback runs in.
    Context context() const;

protected:
    /// `loop` may be null while it is not known yet: it must be set before call().
    ScheduledCallback(EventLoop* loop, const std::source_location& where) noexcept
        : loop_(loop), where_(where), context_(current_context()) {}
    ScheduledCallback(const ScheduledCallback&) = delete;
    ScheduledCallback& operator=(const ScheduledCallback&) = delete;
    ~ScheduledCallback() = default;

    /// Takes the callable, of the type that the table is of.
    void hold(void* callable, const CallableTable& table) noexcept {
        callable_ = callable;
        table_ = &table;
    }

    /// Calls it, unless it was cancelled; what it throws goes to the exception handler.
    void call();
    /// The same, and keeps the callable for the next time. It must not be dropped meanwhile.
    void call_and_keep();

    /// Destroys the callable with all that it holds, perhaps the very handle: the caller sees to it
    /// that the block stays.
    void drop() noexcept {
        if (const CallableTable* const table = std::exchange(table_, nullptr)) {
            if (table->destroy != nullptr) {
                table->destroy(callable_);
            }
        }
    }

    /// Knows its loop no more, which is gone.
    void forget_loop() noexcept { loop_ = nullptr; }

    /// The same for good.
    void cancel_now() noexcept;
    void mark_cancelled() noexcept { cancelled_ = true; }

    std::string describe(const char* type) const { return describe_call(type, cancelled_, where_); }

    EventLoop* loop_;
    std::uint32_t references_ = 0;

private:
    bool cancelled_ = false;
    std::source_location where_;
    const CallableTable* table_ = nullptr;  // null: the callable is gone
    void* callable_ = nullptr;
    ContextSlot context_;
};

/// Makes a `State` with its callable behind it: one pooled block, whose size the state knows.
/// *Lifetime*: until its last reference goes; it has none yet.
template <class State, class Fn>
State& make_call(EventLoop& loop, Fn&& function, const std::source_location& where) {
    // One that is aligned more than memory lies where std::allocator puts it.
    using Callable =
        std::conditional_t<(alignof(std::decay_t<Fn>) > __STDCPP_DEFAULT_NEW_ALIGNMENT__),
                           UniqueFunction<void()>, std::decay_t<Fn>>;
    if constexpr (!std::is_function_v<std::remove_reference_t<Fn>>) {
        if (is_null_callable<std::decay_t<Fn>>(function)) {
            throw_null_callback();
        }
    }
    constexpr std::size_t place =
        (sizeof(State) + alignof(Callable) - 1) / alignof(Callable) * alignof(Callable);
    constexpr std::size_t size = place + sizeof(Callable);
    std::byte* const memory = static_cast<std::byte*>(frame_pool.allocate(size));
    Callable* callable = nullptr;
    try {
        callable = ::new (static_cast<void*>(memory + place)) Callable(std::forward<Fn>(function));
    } catch (...) {
        frame_pool.deallocate(memory, size);
        throw;
    }
    State* const state = ::new (static_cast<void*>(memory)) State(loop, where, size);
    state->hold(callable, callable_table<Callable>);
    return *state;
}

/// Destroys a state that make_call() made.
template <class State>
void destroy_call(State* state, std::size_t size) noexcept {
    state->~State();
    frame_pool.deallocate(state, size);
}

/// The shared part of a Handle: the loop holds it while it is queued, the user as long as he likes.
class HandleState final : public Runnable, public ScheduledCallback {
public:
    HandleState(EventLoop& loop, const std::source_location& where, std::size_t size) noexcept
        : ScheduledCallback(&loop, where), size_(size) {}

    using ScheduledCallback::hold;
    void run() override;
    void discard() noexcept override;
    void outlive_loop() noexcept override { forget_loop(); }
    std::string repr() const override { return describe("Handle"); }
    void cancel() noexcept;

    friend void intrusive_add_ref(HandleState* state) noexcept { ++state->references_; }
    friend void intrusive_release(HandleState* state) noexcept {
        if (--state->references_ == 0) {
            state->retire();
        }
    }

private:
    void retire() noexcept;

    std::size_t size_;  // of the block
};

}  // namespace detail

/// A scheduled callback; asyncio.Handle. A copy refers to the same callback.
class Handle {
public:
    /// Refers to nothing; cancel() does nothing.
    Handle() = default;
    explicit Handle(IntrusivePtr<detail::HandleState> state) noexcept : state_(std::move(state)) {}

    /// Sees to it that the callback does not run, and destroys it at once. Idempotent; without
    /// effect once the callback has run.
    void cancel() noexcept {
        if (state_) {
            state_->cancel();
        }
    }
    bool cancelled() const noexcept { return state_ && state_->cancelled(); }

    /// Returns a copy of the context that the callback runs in.
    Context get_context() const { return state_ ? state_->context() : Context(); }

    /// "<Handle main() at main.cpp:12>".
    std::string repr() const { return state_ ? state_->repr() : "<Handle>"; }

private:
    IntrusivePtr<detail::HandleState> state_;
};

}  // namespace ringio

// What the ready queue holds. The event loop knows nothing else: a task step, a timer that went
// off, a done callback and a call_soon() are all a Runnable.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/base/intrusive_queue.hpp>
#include <ringio/base/unique_function.hpp>
#include <ringio/core/context.hpp>
#include <ringio/core/frame_allocator.hpp>

#include <cstdint>
#include <functional>
#include <source_location>
#include <stdexcept>
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
            throw std::invalid_argument("the callback is null; pass a callable");
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

/// A callback that calls `function(args...)`, both copied or moved.
template <class Fn, class... Args>
Callback bind(Fn&& function, Args&&... args) {
    static_assert(std::is_invocable_v<std::decay_t<Fn>&, std::decay_t<Args>&...>,
                  "ringio: a callback is called with the arguments that stand behind it; "
                  "this one cannot be called with these");
    return Callback([fn = std::decay_t<Fn>(std::forward<Fn>(function)),
                     ... bound = std::decay_t<Args>(std::forward<Args>(args))]() mutable {
        static_cast<void>(std::invoke(fn, bound...));
    });
}

/// A callback in the hands of a loop: what the shared parts of Handle and TimerHandle have in
/// common.
class ScheduledCallback {
public:
    bool cancelled() const noexcept { return cancelled_; }

    /// A copy of the context that the callback runs in.
    Context context() const;

protected:
    /// One whose loop is not known yet: it must be set before call().
    explicit ScheduledCallback(Callback&& callback)
        : where_(callback.where()),
          function_(std::move(callback).function()),
          context_(current_context()) {}
    ScheduledCallback(EventLoop& loop, Callback&& callback)
        : ScheduledCallback(std::move(callback)) {
        loop_ = &loop;
    }
    ~ScheduledCallback() = default;

    /// Calls it, unless it was cancelled; what it throws goes to the exception handler.
    void call();

    /// Destroys it with all that it holds, perhaps the very handle.
    void drop() noexcept { function_.reset(); }

    /// Knows its loop no more, which is gone.
    void forget_loop() noexcept { loop_ = nullptr; }

    /// The same for good.
    void cancel_now() noexcept;
    void mark_cancelled() noexcept { cancelled_ = true; }

    /// "<Handle main() at main.cpp:12>", "<TimerHandle cancelled …>".
    std::string describe(const char* type) const;

    EventLoop* loop_ = nullptr;
    std::uint32_t references_ = 0;

private:
    bool cancelled_ = false;
    std::source_location where_;
    UniqueFunction<void()> function_;
    ContextSlot context_;
};

/// The shared part of a Handle: the loop holds it while it is queued, the user as long as he likes.
class HandleState final : public Runnable, public ScheduledCallback, public Pooled {
public:
    HandleState(EventLoop& loop, Callback&& callback)
        : ScheduledCallback(loop, std::move(callback)) {}

    void run() override;
    void discard() noexcept override;
    void outlive_loop() noexcept override { forget_loop(); }
    std::string repr() const override { return describe("Handle"); }
    void cancel() noexcept { cancel_now(); }

    friend void intrusive_add_ref(HandleState* state) noexcept { ++state->references_; }
    friend void intrusive_release(HandleState* state) noexcept {
        if (--state->references_ == 0) {
            state->retire();
        }
    }

private:
    void retire() noexcept;
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

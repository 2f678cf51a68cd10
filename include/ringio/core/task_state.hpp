// A running task: a future whose run() is the next step of a coroutine. It knows where the
// coroutine stands (the wait), and carries the requests to cancel it.
#pragma once

#include <ringio/core/coroutine.hpp>
#include <ringio/core/future_state.hpp>

#include <coroutine>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace ringio {

/// What may be said of a task when it is created.
struct TaskOptions {
    std::string_view name = {};        ///< copied; empty means "Task-N"
    const Context* context = nullptr;  ///< the context to run in; null: a copy of the current one
    bool eager_start = false;          ///< the first step runs at once, inside create_task()
};

namespace detail {

/// What a suspended task waits for. It lives in the frame of the innermost coroutine.
class Wait {
public:
    /// Asks the wait to end early. True: it will wake the task, and its await_resume() throws
    /// CancelledError (or, for a kernel operation, gives the result that won the race).
    /// False: it is over already, and the task has been or will be woken.
    virtual bool cancel(const std::string& message) noexcept = 0;

    /// The one to ask instead, while the wait is not over: a future that is awaited.
    virtual FutureStateBase* passes_on_to() noexcept { return nullptr; }

    /// Hears what that one replied; returns the next one to ask, or null with the reply of all.
    virtual FutureStateBase* passes_on_next(CancelWalk::Reply&) noexcept { return nullptr; }

    /// Wakes the task of a wait for a future that will never end, for it waits for that task.
    virtual void abandon() noexcept {}

    /// Asked before the task resumes, if it said ask_wait_first(). True: what it was woken for is
    /// gone again, and it will be woken anew, without having resumed.
    virtual bool waits_on() noexcept { return false; }

    /// The future that is awaited, or null.
    virtual const FutureStateBase* future() const noexcept { return nullptr; }

    /// What is awaited, for a reader: "recv", "sleep".
    virtual const char* what() const noexcept = 0;

    /// As it stands behind `wait_for=` in the repr of a task.
    virtual std::string repr() const;

protected:
    ~Wait() = default;
};

/// Legend of a request to cancel that no wait has taken yet.
enum class CancelRequest : unsigned char {
    none,
    upcoming,  ///< becomes a request when the task next begins to wait; for tests
    due,       ///< thrown when the task next resumes or waits; ends it if it returns before
    deferred,  ///< a kernel result won the race: thrown at the next wait, forgotten at the end
};

/// The part of a running task that does not depend on its type.
///
/// Invariant while it is not done: either it is queued and wait_ is over (or null), or it is not
/// queued and wait_ is what will queue it.
class TaskStateBase : public PassingState, public IntrusiveListHook {
public:
    /// Takes the coroutine.
    TaskStateBase(EventLoop& loop, std::coroutine_handle<> root,
                  const std::source_location& where) noexcept
        : PassingState(loop, Kind::task),
          root_(root),
          resume_point_(root),
          defined_(PromiseBase::of(root).location) {
        set_created(where);
    }
    ~TaskStateBase() override {
        RINGIO_ASSERT(!root_, "a task is destroyed with its coroutine; the loop must own it");
    }

    /// Schedules the first step, or runs it when it is to start eagerly. The loop holds the task
    /// until it is done.
    /// *Errors*: what the loop's task factory throws; the coroutine is destroyed then.
    void start(Machine& machine, const TaskOptions* options);

    /// One step: resumes the coroutine where it stands, in the task's context. `inside` is the
    /// block of the loop that makes steps, which sets task and context anew after this one.
    void step(Machine& machine, EnterContext& inside) {
        ContextSlot* slot = &context_;
        if (special_ != 0) {
            if ((special_ & may_end_step) != 0 && !begin_step(machine, inside)) [[unlikely]] {
                return;
            }
            slot = &context_slot();
            special_ &= in_shared_context;
        }
        wait_ = nullptr;
        machine.set_current_task(this);
        inside.change(*slot);
        machine.resume(resume_point_);
        if (root_.done()) {
            inside.change_back();
            end(machine);
        }
    }

    /// The same where it is not known that this is a task.
    void run() final;
    void discard() noexcept final {}

    unsigned cancelling() const noexcept { return cancel_requests_; }
    unsigned uncancel() noexcept;

    /// Drops a request that the task has not heard of; for a scope whose own one it is.
    void forget_undelivered_cancellation() noexcept;

    /// Makes a request to cancel when the task next begins to wait, however it goes on until then.
    void cancel_at_next_wait() noexcept;

    /// Says whether the task has yet to hear of a request to cancel it.
    bool has_undelivered_cancellation() const noexcept {
        return is_special(in_transit) || has_cancellation();
    }

    /// The context that its steps run in; asked for, it becomes one that others may share.
    Context context();

    std::string name() const;
    void set_name(std::string_view name);

    // For awaiters.

    /// Notes that the coroutine is suspended in `wait`; a cancellation that is due goes to it.
    void suspend(std::coroutine_handle<> coroutine, Wait& wait) noexcept {
        resume_point_ = coroutine;
        wait_ = &wait;
        if (cancel_request_ != CancelRequest::none) {
            cancel_wait();
        }
    }

    /// Has the wait of suspend() asked, once it is over, whether it waits on.
    void ask_wait_first() noexcept { special_ |= asks_wait; }

    /// Takes suspend() back: the coroutine goes on in this step.
    void go_on() noexcept { wait_ = nullptr; }

    /// Queues the next step. Called once for each suspend().
    void wake() noexcept { loop_or_null()->machine().schedule_here(*this); }

    /// The same on the loop's thread, in the step itself.
    void yield(std::coroutine_handle<> coroutine, Wait& wait) noexcept {
        suspend(coroutine, wait);
        running_loop->machine().schedule_here(*this);
    }

    /// Takes a cancellation that came after the wait was over but before the task resumed.
    bool take_cancellation() noexcept {
        if (!has_cancellation()) {
            return false;
        }
        cancel_request_ = CancelRequest::none;
        return true;
    }
    bool has_cancellation() const noexcept { return cancel_request_ > CancelRequest::upcoming; }

    /// A kernel result won against the cancellation: it stays for the next wait.
    void defer_cancellation() noexcept { cancel_request_ = CancelRequest::deferred; }

    // For an await of somebody else's coroutine: what that one awaits in turn may be ours, and
    // suspends the task in a frame into which nobody may look.

    /// Notes that `coroutine`, the innermost of ours, awaits one that is not. *Errors*:
    /// std::bad_alloc.
    void enter_foreign(std::coroutine_handle<> coroutine) { extras().outside = coroutine; }
    void leave_foreign() noexcept { extras_->outside = nullptr; }

    /// Queues the next step, which goes on with `coroutine`. What else waited in the meantime, in a
    /// frame that may be gone, is not asked.
    void wake_at(std::coroutine_handle<> coroutine) noexcept {
        resume_point_ = coroutine;
        special_ &= static_cast<unsigned char>(~asks_wait);
        wake();
    }

    /// The innermost coroutine of ours, when `awaiting` awaits.
    std::coroutine_handle<> innermost(std::coroutine_handle<> awaiting) const noexcept {
        return extras_ && extras_->outside ? extras_->outside : awaiting;
    }

    [[noreturn]] void throw_cancelled() const;
    /// The same CancelledError, not thrown.
    std::exception_ptr make_cancelled() const noexcept;

    /// What the latest request to cancel said, and who made it.
    const std::string& cancel_message() const noexcept;
    const CancelSource& cancel_source() const noexcept;

    /// The latest request itself, to be passed on; may be null.
    const CancellationPtr& cancellation() const noexcept;

    // For those who look on.

    const Wait* wait() const noexcept { return wait_; }
    std::coroutine_handle<> resume_point() const noexcept { return resume_point_; }
    std::string repr() const final;

    /// The awaits that the task is suspended in, oldest first, up to the first coroutine of another
    /// library; of a task that runs, or has not begun, only where its own coroutine stands; nothing
    /// once it is done.
    std::vector<std::source_location> stack() const;

    /// "foo() running at main.cpp:12".
    std::string repr_coroutine() const;

    /// Destroys the coroutine of a task that will never be done, and reports it.
    void destroy_pending() noexcept;

    /// Silences the report of destroy_pending(): for tasks that only the library knows.
    void expect_to_be_destroyed() noexcept { report_when_destroyed_ = false; }

    /// Tasks are numbered in the order in which they are made, over all loops.
    std::uint64_t number() const noexcept { return context_.identity; }

    /// Whether a scope waits for its end and cancels it: a group, gather(), when_all() and the
    /// like.
    bool is_scoped() const noexcept { return scoped_; }
    void mark_scoped() noexcept { scoped_ = true; }

protected:
    FutureStateBase* take_cancel(CancelWalk& walk) noexcept final;
    FutureStateBase* hear_reply(CancelWalk& walk) noexcept final;
    void report_never_retrieved() noexcept final;

    /// Moves the result of the finished coroutine into the future and destroys the frame.
    virtual void take_result() noexcept = 0;

    /// What take_result() ends in, by the way the coroutine ended.
    void finish_with(std::exception_ptr exception, ExceptionKind kind) noexcept;
    bool ends_cancelled() const noexcept { return cancel_request_ == CancelRequest::due; }
    void finish_cancelled() noexcept;
    std::coroutine_handle<> root() const noexcept { return root_; }

private:
    struct Extras {
        std::string name;
        CancellationPtr cancellation;               // the latest request
        IntrusivePtr<ContextState> shared_context;  // else the task has its own
        std::coroutine_handle<> outside;            // of ours, while it awaits one that is not
    };

    /// Legend of what makes the next step of a task another one than most: bits of special_.
    enum Special : unsigned char {
        unstarted = 1,          ///< it is the first one
        in_transit = 2,         ///< a wait took a cancellation, and the task has not resumed yet
        in_shared_context = 4,  ///< of the extras
        asks_wait = 8,          ///< the wait says whether there is a step at all
        may_end_step = unstarted | asks_wait,
    };

    bool is_special(Special bit) const noexcept { return (special_ & bit) != 0; }

    Extras& extras();
    void keep_cancellation(const std::string& message) noexcept;
    // False: there is no step. A request to cancel that has come since the wait was over lets it
    // end.
    bool begin_step(Machine& machine, EnterContext& inside) noexcept {
        if (is_special(asks_wait)) {
            if (!has_cancellation() && wait_->waits_on()) [[unlikely]] {
                suspend_again();
                return false;
            }
            return true;
        }
        if (cancel_request_ == CancelRequest::due) [[unlikely]] {
            inside.change_back();
            end_before_start(machine);
            return false;
        }
        return true;
    }
    RINGIO_NOINLINE void suspend_again() noexcept;
    RINGIO_NOINLINE void start_prepared(Machine& machine, const TaskOptions* options);
    bool prepare(const TaskOptions* options);
    void run_eagerly();
    void end(Machine& machine) noexcept;
    void end_before_start(Machine& machine) noexcept;
    void leave(Machine& machine) noexcept;
    void cancel_wait() noexcept;
    void wait_replied(CancelWalk::Reply reply) noexcept;
    ContextSlot& context_slot() noexcept {
        return is_special(in_shared_context) ? extras_->shared_context->slot : context_;
    }
    void share_context(IntrusivePtr<ContextState> context);

    std::coroutine_handle<> root_;
    std::coroutine_handle<> resume_point_;
    Wait* wait_ = nullptr;
    std::unique_ptr<Extras> extras_;
    ContextSlot context_;  // its identity is the number of the task
    std::source_location defined_;
    unsigned cancel_requests_ = 0;
    CancelRequest cancel_request_ = CancelRequest::none;
    unsigned char special_ = unstarted;
    bool report_when_destroyed_ = true;
    bool scoped_ = false;
};

[[noreturn]] void throw_no_running_task();

/// The task that runs now. *Errors*: std::runtime_error outside a task.
inline TaskStateBase& running_task() {
    if (running_loop == nullptr || running_loop->machine().current_task() == nullptr) [[unlikely]] {
        throw_no_running_task();
    }
    return *running_loop->machine().current_task();
}

}  // namespace detail
}  // namespace ringio

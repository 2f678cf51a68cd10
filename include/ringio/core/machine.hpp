// Machine: what makes an event loop go. One thread, one ready queue, one ring: it resumes
// coroutines, and nothing else does. run_turns() is the whole of it; the layers above only push
// Runnables and Completions.
#pragma once

#include <ringio/base/config.hpp>
#include <ringio/base/intrusive_list.hpp>
#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/clock_gate.hpp>
#include <ringio/core/forward.hpp>
#include <ringio/core/frame_allocator.hpp>
#include <ringio/core/handle.hpp>
#include <ringio/core/loop_options.hpp>
#include <ringio/core/send_rule.hpp>
#include <ringio/core/thread_check.hpp>
#include <ringio/core/timers.hpp>
#include <ringio/core/transfer.hpp>
#include <ringio/ring/ring.hpp>

#include <atomic>
#include <bit>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace ringio::detail {

/// What outlives the loop: futures hold it, and find here whether the loop is still there.
struct LoopAnchor : Pooled {
    EventLoop* loop = nullptr;
    std::size_t references = 1;

    static void retire(LoopAnchor* anchor) noexcept;
    friend void intrusive_add_ref(LoopAnchor* anchor) noexcept { ++anchor->references; }
    friend void intrusive_release(LoopAnchor* anchor) noexcept {
        if (--anchor->references == 0) {
            retire(anchor);
        }
    }
};

/// The machine of one event loop. Used on the thread that runs it.
class Machine {
public:
    using TimePoint = Clock::time_point;

    Machine(EventLoop& owner, const LoopOptions& options);
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;
    ~Machine();

    // What is to run, and when.

    /// Queues a step. Debug mode aborts on a wrong thread.
    void schedule(Runnable& runnable) noexcept {
        require_thread(this);
        schedule_here(runnable);
    }
    /// The same for one who knows that this is the loop's thread.
    void schedule_here(Runnable& runnable) noexcept { ready_.push_back(runnable); }
    void at_turn_end(TurnEnd& end) noexcept {
        if (!end.is_linked()) {
            require_thread(this);
            turn_ends_.push_back(end);
            attention_.turn_ends = true;
        }
    }
    void arm(Timer& timer, TimePoint deadline) {
        timers_.arm(timer, deadline);
        attention_.timers = true;
    }
    bool disarm(Timer& timer) noexcept { return timers_.disarm(timer); }
    /// Monotonic, or virtual when the loop was made so.
    TimePoint now() const noexcept { return virtual_time_ ? virtual_now_ : Clock::now(); }

    // Steps of tasks.

    TaskStateBase* current_task() const noexcept { return current_task_; }
    void set_current_task(TaskStateBase* task) noexcept { current_task_ = task; }

    /// The only place where a coroutine is resumed. Called by a task's step.
    void resume(std::coroutine_handle<> coroutine) {
        ++steps_;
        coroutine.resume();
        while (next_transfer_) [[unlikely]] {
            std::exchange(next_transfer_, nullptr).resume();
        }
    }

    /// Changes with each step of a task, and when a request to cancel is taken back: while it stays
    /// the same, a task that was asked to end has not heard of it.
    std::uint64_t steps() const noexcept { return steps_; }
    void next_step() noexcept { ++steps_; }

    /// Lets an exception leave run() at the end of this step (KeyboardInterrupt).
    void escape(std::exception_ptr exception) noexcept { escaped_ = std::move(exception); }

    // The kernel, within a turn.

    /// The ring of a loop that runs or ran. *Errors*: std::runtime_error once the loop is closed.
    Ring& ring() {
        if (!ring_) [[unlikely]] {
            throw_no_ring();
        }
        return *ring_;
    }

    /// True while an operation may be answered at once by a system call instead of a request; the
    /// budget is refilled each turn, so that awaits that never suspend cannot starve the others.
    bool take_immediate_budget() noexcept { return turn_.take_immediate_answer(); }
    std::uint32_t turn() const noexcept { return turn_.number(); }

    /// Counts a socket that has something to send in this turn; true when that is to leave at once,
    /// false when it is to leave with that of others, by a request that is submitted in this turn.
    bool may_send_at_once() noexcept { return send_rule_.may_send_at_once(turn_.number()); }

    // Running.

    /// Makes turns until stop(). *Errors*: as prepare_to_run(); what escape() was given.
    void run();
    void stop() noexcept { attention_.stopping = true; }
    bool is_running() const noexcept { return running_.load(std::memory_order_relaxed); }

    /// Refuses to run the loop, as run() does, and sets up its ring if there is none.
    /// *Errors*: std::runtime_error when a loop runs in this thread already or this one is closed;
    /// std::system_error when the kernel refuses to set up the ring.
    void prepare_to_run();
    /// The same without the ring.
    void check_may_run() const;

    /// Which kernel answers; sets up the ring if there is none yet.
    std::string_view kernel_name();

    /// Whether somebody waits for an end, so that a loop that nothing can wake is an error, in
    /// debug mode and in virtual time. Returns what it was.
    bool set_awaits_completion(bool awaits) noexcept {
        return std::exchange(awaits_completion_, awaits);
    }

    /// In debug mode steps are timed, deadlocks found, and calls from a wrong thread refused.
    void set_debug(bool enabled) noexcept;
    bool is_debug() const noexcept { return debug_.load(std::memory_order_relaxed); }

    /// Sets who is told before and after each step, or nobody (null). It must outlive that.
    void set_step_observer(StepObserver* observer) noexcept;

    // What belongs to it, and what it belongs to.

    LoopAnchor* anchor() const noexcept { return anchor_.get(); }
    LoopBooks& books() const noexcept { return *books_; }

    /// What other threads hold of a loop that may be gone.
    std::shared_ptr<Mailbox> mailbox() const noexcept;

    /// Tells whether this process is the child of a fork(2), and the loop its parent's: it can only
    /// be closed.
    bool is_inherited() const noexcept;

    LoopStatistics statistics() const noexcept;

    /// Refuses a call on a closed loop, or from a wrong thread. *Errors*: std::runtime_error.
    void check_call() const {
        if (checks_calls_) [[unlikely]] {
            refuse_call();
        }
    }
    [[noreturn]] static void throw_closed();

    // The end, step by step; the loop's close() puts them in order.

    bool is_closed() const noexcept { return closed_; }

    /// On another thread than the ring's, which may not enter the kernel with it: gives it up.
    /// False when that cannot be, for operations are in flight there.
    bool leave_ring_behind();

    /// Cancels and reaps every request. *Errors*: std::system_error when the ring cannot go on:
    /// what is in flight never ends.
    void end_requests();
    void discard_queued() noexcept;
    bool is_anything_left() const noexcept;

    /// Neither runs nor destroys what is pending: it stays in memory. In a child that would be the
    /// parent's files, locks and connections; with a lost ring, memory that the kernel writes to.
    /// Handles to it find no loop.
    void leave_everything() noexcept;

    /// From now on calls are refused, and handles find no loop.
    void mark_closed() noexcept;
    void give_ring_back() noexcept { ring_.reset(); }

private:
    /// What a turn has to look at beside its steps; mostly nothing.
    struct Attention {
        bool stopping = false;
        bool turn_ends = false;
        bool timers = false;
        bool looks_around = true;  // steps may be shuffled, observed or timed, or memory spare

        bool is_wanted() const noexcept { return std::bit_cast<std::uint32_t>(*this) != 0; }
    };

    void run_turns();
    bool has_only_ready() const noexcept;
    [[gnu::noinline]] bool go_on(EnterContext& inside);
    [[gnu::noinline]] bool begin_turn(EnterContext& inside);
    void leave_step(EnterContext& inside) noexcept;
    void expire_timers() noexcept;
    bool sleep_in_kernel();
    /// How long to sleep: 0 to ask only for news, `until_news` when no timer is set.
    std::chrono::nanoseconds work_out_sleep();
    static constexpr std::chrono::nanoseconds until_news = std::chrono::nanoseconds::max();
    RINGIO_NOINLINE void take_posted();
    void run_ready(EnterContext& inside);
    void end_turn() noexcept;
    [[noreturn]] RINGIO_NOINLINE void throw_escaped();
    [[noreturn]] void throw_no_ring() const;
    RINGIO_NOINLINE void refuse_call() const;
    void start_ring();
    void take_over_kernels_time() noexcept;
    void tell_remark() const noexcept;

    // What is rare: virtual time, the search for deadlocks, steps that somebody watches.
    RINGIO_NOINLINE std::optional<std::chrono::nanoseconds> work_out_watched_sleep();
    void advance_virtual_time(std::chrono::nanoseconds sleep, TimePoint slept_from) noexcept;
    bool only_timers_can_wake() const noexcept;
    [[noreturn]] void report_deadlock() const;
    RINGIO_NOINLINE void look_around() noexcept;
    bool is_watched() const noexcept;
    RINGIO_NOINLINE void run_ready_watched();

    ReadyQueue ready_;
    IntrusiveList<TurnEnd> turn_ends_;
    Timers timers_;
    ClockGate clock_gate_;
    TaskStateBase* current_task_ = nullptr;
    std::coroutine_handle<> next_transfer_;  // see detail::next_transfer
    std::uint64_t steps_ = 0;
    Turn turn_;
    SendRule send_rule_;
    unsigned turns_with_surplus_ = 0;
    Attention attention_;
    bool closed_ = false;
    bool checks_calls_ = false;          // closed, or in debug mode: users' calls are looked at
    std::atomic<bool> running_ = false;  // these two are looked at by other threads, too,
    std::atomic<bool> debug_ = false;    // to be refused
    bool virtual_time_ = false;          // the loop's time is virtual_now_
    bool kernel_keeps_time_ = false;     // which follows the kernel's, and jumps nowhere by itself
    bool watched_ = false;               // steps are shuffled, observed or timed
    bool awaits_completion_ = false;     // somebody waits for an end
    TimePoint virtual_now_{};
    std::exception_ptr escaped_;
    std::string_view kernel_name_;
    std::unique_ptr<Ring> ring_;
    std::shared_ptr<LoopBooks> books_;
    IntrusivePtr<LoopAnchor> anchor_;
};

/// Sees to it that in the child of a fork(2) no loop runs. Idempotent.
void leave_loop_at_fork() noexcept;

}  // namespace ringio::detail

// The event loop: one thread, one ready queue, one ring. It resumes coroutines, and nothing else
// does. run_turns() is the whole machine; the layers above only push Runnables and Completions.
#pragma once

#include <ringio/base/config.hpp>
#include <ringio/base/delay.hpp>
#include <ringio/base/intrusive_list.hpp>
#include <ringio/core/callable.hpp>
#include <ringio/core/clock_gate.hpp>
#include <ringio/core/exceptions.hpp>
#include <ringio/core/forward.hpp>
#include <ringio/core/handle.hpp>
#include <ringio/core/kept_function.hpp>
#include <ringio/core/loop_options.hpp>
#include <ringio/core/send_rule.hpp>
#include <ringio/core/thread_check.hpp>
#include <ringio/core/timers.hpp>
#include <ringio/core/transfer.hpp>
#include <ringio/ring/ring.hpp>

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

namespace ringio {

/// One event loop; asyncio.AbstractEventLoop. Used on the thread that runs it; only
/// call_soon_threadsafe() and expect_wakeup() may be called from another one.
///
/// *Lifetime*: futures and handles may outlive the loop; they then say that it is closed.
class EventLoop {
public:
    using TimePoint = Clock::time_point;
    using ExceptionHandler = std::function<void(EventLoop&, const ExceptionContext&)>;
    using TaskFactory = std::function<void(EventLoop&, const AnyTask&, TaskOptions&)>;

    EventLoop() : EventLoop(LoopOptions{}) {}
    explicit EventLoop(const LoopOptions& options);
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// Closes the loop if that was not done. Where close() would throw, it prints why, and leaves
    /// the tasks in memory, for the kernel may still write to them.
    ~EventLoop();

    /// Runs until stop() is called.
    /// *Errors*: std::runtime_error when a loop runs in this thread already or this one is closed;
    /// std::system_error when the kernel refuses to set up the ring.
    void run_forever();

    /// Runs until a Task, TaskHandle or Future is done, and returns its result.
    /// *Errors*: as run_forever(); what the awaitable throws; std::runtime_error "Event loop
    /// stopped before Future completed." after stop(); DeadlockError in debug mode and in virtual
    /// time.
    template <class Awaitable>
    decltype(auto) run_until_complete(Awaitable&& awaitable,
                                      std::source_location where = std::source_location::current());

    /// The same without the result, for the layers above.
    void run_until_done(detail::FutureStateBase& future);

    /// Ends run_forever() after the turn in progress; callbacks added in it run the next time.
    void stop() {
        detail::check_thread(this);
        stopping_ = true;
    }
    bool is_running() const noexcept { return running_.load(std::memory_order_relaxed); }
    bool is_closed() const noexcept { return closed_; }

    /// Cancels and reaps every kernel request, destroys what is still pending, and what its
    /// destructors start, and gives the ring back. Idempotent. *Errors*: std::runtime_error while
    /// the loop runs; on another thread than the one that ran it, when operations are in flight,
    /// for only that one can end them.
    /// *Lifetime*: when the ring cannot go on (run() threw why), what is pending cannot be
    /// destroyed, for the kernel may still write to it: it stays in memory, and the exception
    /// handler is told. In the child of a fork(2) everything stays there, without a word.
    void close();

    /// The loop's clock: monotonic, or virtual when the loop was made so.
    TimePoint time() const noexcept { return virtual_time_ ? virtual_now_ : Clock::now(); }

    /// Queues a callback for the next turn, in strict order of the calls.
    /// *Errors*: std::invalid_argument for a null callback; std::runtime_error on a closed loop.
    Handle call_soon(Callback callback);

    /// Queues a callback for `delay` from now. A negative delay is the next turn; a huge one
    /// saturates; NaN is std::invalid_argument.
    TimerHandle call_later(Delay delay, Callback callback);
    TimerHandle call_at(TimePoint when, Callback callback);

    /// The same with arguments, which are copied: `loop.call_soon(print, 1)`.
    template <class Fn, class... Args>
        requires(sizeof...(Args) > 0)
    Handle call_soon(Fn&& function, Args&&... args) {
        return call_soon(detail::bind(std::forward<Fn>(function), std::forward<Args>(args)...));
    }
    template <class Fn, class... Args>
        requires(sizeof...(Args) > 0)
    TimerHandle call_later(Delay delay, Fn&& function, Args&&... args) {
        return call_later(delay,
                          detail::bind(std::forward<Fn>(function), std::forward<Args>(args)...));
    }
    template <class Fn, class... Args>
        requires(sizeof...(Args) > 0)
    TimerHandle call_at(TimePoint when, Fn&& function, Args&&... args) {
        return call_at(when, detail::bind(std::forward<Fn>(function), std::forward<Args>(args)...));
    }

    /// Queues a callback from any thread and wakes the loop.
    /// *Errors*: std::invalid_argument for a null callback; std::runtime_error on a closed loop.
    /// *Lifetime*: the loop must live when this is called; the callback may end it before this
    /// returns.
    /// *Python*: returns nothing, for a handle could not be used safely from the other thread.
    void call_soon_threadsafe(Callback callback);

    /// Makes a Promise whose future belongs to this loop.
    template <class T = void>
    Promise<T> create_future(std::source_location where = std::source_location::current());

    /// Schedules a coroutine; the loop owns it until it is done. The first step runs next turn.
    template <class T>
    TaskHandle<T> create_task(Task<T> coroutine,
                              std::source_location where = std::source_location::current());
    template <class T>
    TaskHandle<T> create_task(Task<T> coroutine, const TaskOptions& options,
                              std::source_location where = std::source_location::current());

    /// The same for an awaitable that is no coroutine, such as sleep().
    template <class A>
    auto create_task(A&& awaitable, std::source_location where = std::source_location::current());

    /// Has `factory(loop, task, options)` called for each new task before its first step; it may
    /// change the options, keep the handle, replace itself, or refuse the task by throwing. Empty:
    /// none. *Python*: the factory makes the task; here it prepares it.
    void set_task_factory(TaskFactory factory) { task_factory_.set(std::move(factory)); }
    const TaskFactory& get_task_factory() const noexcept { return task_factory_.get(); }

    /// Closes, all at the same time, the AsyncGenerators that have begun on this loop and not
    /// ended. What their cleanup throws goes to the exception handler. Runner does it before it
    /// closes the loop; one that begins later is on its own, which debug mode reports.
    Task<void> shutdown_asyncgens();

    /// Calls `function(args...)` in a thread of `executor`, or of the loop's default one when null,
    /// and returns a future of the result. Both are moved or copied into the call, and destroyed
    /// there.
    ///
    /// *Errors*: the future's are what the function throws; std::runtime_error "Executor shutdown
    /// has been called". *Cancellation*: the future is cancelled at once; a call that has not begun
    /// never does, one that runs goes on and its result is dropped.
    template <class Fn, class... Args>
    Future<detail::CallResult<Fn, Args...>> run_in_executor(
        concurrent::ThreadPoolExecutor* executor, Fn&& function, Args&&... args);
    template <class Fn, class... Args>
    Future<detail::CallResult<Fn, Args...>> run_in_executor(
        concurrent::ThreadPoolExecutor& executor, Fn&& function, Args&&... args);

    /// Replaces the default executor. *Errors*: std::invalid_argument for null.
    void set_default_executor(std::shared_ptr<concurrent::ThreadPoolExecutor> executor);

    /// Ends the default executor: what is queued is done, new calls are refused. When `timeout`
    /// passes first, the exception handler is told and the threads are left to themselves.
    Task<void> shutdown_default_executor(std::optional<Delay> timeout = std::nullopt);

    /// Takes the errors that nobody else can take; the default one prints to standard error.
    /// An empty function restores the default. A handler may replace itself; what it throws is
    /// reported by the default one, but a KeyboardInterrupt leaves run_forever().
    void set_exception_handler(ExceptionHandler handler);
    const ExceptionHandler& get_exception_handler() const noexcept;
    void call_exception_handler(const ExceptionContext& context) noexcept;
    void default_exception_handler(const ExceptionContext& context) noexcept;

    /// In debug mode the loop refuses calls from a wrong thread, finds deadlocks, and reports
    /// callbacks and task steps that took longer than slow_callback_duration().
    void set_debug(bool enabled) noexcept;
    bool get_debug() const noexcept { return debug_.load(std::memory_order_relaxed); }

    /// The longest that a step may take in debug mode without a report; 100 ms unless set.
    std::chrono::nanoseconds slow_callback_duration() const noexcept;
    void set_slow_callback_duration(Delay duration) noexcept;

    /// Says that another thread is going to wake this loop, as long as the returned object lives;
    /// without it, debug mode may take an idle loop for a deadlock. May be destroyed anywhere.
    [[nodiscard]] std::shared_ptr<void> expect_wakeup();

    LoopStatistics statistics() const noexcept;

    /// Sets who is told before and after each step, or nobody (null). It must outlive that.
    void set_step_observer(detail::StepObserver* observer) noexcept;

    // What the layers above build on.

    /// Queues a step. Debug mode aborts on a wrong thread.
    void schedule(Runnable& runnable) noexcept {
        detail::require_thread(this);
        schedule_here(runnable);
    }
    /// The same for one who knows that this is the loop's thread.
    void schedule_here(Runnable& runnable) noexcept { ready_.push_back(runnable); }
    void at_turn_end(TurnEnd& end) noexcept {
        if (!end.is_linked()) {
            detail::require_thread(this);
            turn_ends_.push_back(end);
        }
    }
    void arm(Timer& timer, TimePoint deadline) { timers_.arm(timer, deadline); }
    bool disarm(Timer& timer) noexcept { return timers_.disarm(timer); }

    /// Refuses to run the loop, as run_forever() does, and sets up its ring if there is none.
    void prepare_to_run();

    /// Tells whether this process is the child of a fork(2), and the loop its parent's: it can only
    /// be closed.
    bool is_inherited() const noexcept;

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

    const detail::KeptFunction<TaskFactory>& task_factory() const noexcept { return task_factory_; }

    detail::TaskStateBase* current_task() const noexcept { return current_task_; }
    void set_current_task(detail::TaskStateBase* task) noexcept { current_task_ = task; }
    void add_task(detail::TaskStateBase& task) noexcept;
    void remove_task(detail::TaskStateBase& task) noexcept;
    std::vector<detail::TaskStateBase*> pending_tasks() const;
    void add_async_generator(detail::AsyncGeneratorHook& generator);
    bool has_async_generators() const noexcept;

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

    /// Lets an exception leave run_forever() at the end of this step (KeyboardInterrupt).
    void escape(std::exception_ptr exception) noexcept { escaped_ = std::move(exception); }

    detail::LoopAnchor* anchor() const noexcept { return anchor_; }

    /// The side of the loop that other threads touch; it may outlive the loop in their hands.
    const std::shared_ptr<detail::LoopServices>& services() const noexcept { return services_; }

    /// Runs `handler` on the loop after notify_interrupt(); used by Runner for SIGINT.
    void set_interrupt_handler(std::function<void()> handler);
    /// Async-signal-safe: wakes the loop to run the interrupt handler.
    void notify_interrupt() noexcept;

    /// Where the layer above keeps the default executor and the futures that threads are going to
    /// finish; destroyed, and the threads joined, at close.
    std::shared_ptr<void>& threads_slot() noexcept { return threads_; }

private:
    void run_turns();
    bool has_only_ready() const noexcept;
    [[gnu::noinline]] bool begin_turn(detail::EnterContext& inside);
    void leave_step(detail::EnterContext& inside) noexcept;
    void expire_timers() noexcept;
    bool sleep_in_kernel();
    /// How long to sleep: 0 to ask only for news, `until_news` when no timer is set.
    std::chrono::nanoseconds work_out_sleep();
    static constexpr std::chrono::nanoseconds until_news = std::chrono::nanoseconds::max();
    RINGIO_NOINLINE std::optional<std::chrono::nanoseconds> work_out_watched_sleep();
    RINGIO_NOINLINE void take_posted();
    void run_ready(detail::EnterContext& inside);
    RINGIO_NOINLINE void run_ready_watched();
    void end_turn() noexcept;
    void run_timed(Runnable& step);
    bool is_watched() const noexcept;
    RINGIO_NOINLINE void look_around() noexcept;
    [[noreturn]] RINGIO_NOINLINE void throw_escaped();
    void advance_virtual_time(std::chrono::nanoseconds sleep, TimePoint slept_from) noexcept;
    TimerHandle arm_call(TimePoint when, Callback&& callback);
    /// Refuses a call on a closed loop, or from a wrong thread.
    void check_call() const {
        if (checks_calls_) [[unlikely]] {
            refuse_call();
        }
    }
    RINGIO_NOINLINE void refuse_call() const;
    [[noreturn]] static void throw_closed();
    [[noreturn]] void throw_no_ring() const;
    void check_may_run() const;
    void start_ring();
    void mark_closed() noexcept;
    bool leave_ring_behind();
    void forsake();
    void end_everything() noexcept;
    bool is_anything_left() const noexcept;
    bool cancel_and_reap_everything() noexcept;
    void destroy_pending_tasks() noexcept;
    void discard_queued() noexcept;
    void leave_everything() noexcept;
    bool only_timers_can_wake() const noexcept;
    [[noreturn]] void report_deadlock() const;

    ReadyQueue ready_;
    IntrusiveList<TurnEnd> turn_ends_;
    Timers timers_;
    detail::ClockGate clock_gate_;
    detail::TaskStateBase* current_task_ = nullptr;
    std::coroutine_handle<> next_transfer_;  // see detail::next_transfer
    std::uint64_t steps_ = 0;
    Turn turn_;
    detail::SendRule send_rule_;
    unsigned turns_with_surplus_ = 0;
    bool stopping_ = false;
    bool closed_ = false;
    bool checks_calls_ = false;          // closed, or in debug mode: users' calls are looked at
    std::atomic<bool> running_ = false;  // these two are looked at by other threads, too,
    std::atomic<bool> debug_ = false;    // to be refused
    bool virtual_time_ = false;
    bool looks_around_ = true;        // steps may be shuffled, observed or timed, or memory spare
    bool watched_ = false;            // they are
    bool awaits_completion_ = false;  // run_until_complete(): somebody waits for an end
    TimePoint virtual_now_{};
    std::exception_ptr escaped_;
    std::unique_ptr<Ring> ring_;
    std::shared_ptr<detail::LoopServices> services_;  // other threads, signals, options
    std::shared_ptr<void> threads_;
    detail::LoopAnchor* anchor_ = nullptr;
    detail::KeptFunction<ExceptionHandler> exception_handler_;
    detail::KeptFunction<TaskFactory> task_factory_;
};

namespace detail {

/// Prints "message", then "key: value" lines and the exception to standard error.
void print_exception_context(const ExceptionContext& context) noexcept;

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

/// The loop that runs on this thread, or null.
RINGIO_VARIABLE(thread_local EventLoop* running_loop, = nullptr);

/// Sees to it that in the child of a fork(2) no loop runs. Idempotent.
void leave_loop_at_fork() noexcept;

/// Throws std::runtime_error("no running event loop").
[[noreturn]] void throw_no_running_loop();

}  // namespace detail

/// Returns the loop that runs on this thread. *Errors*: std::runtime_error when none does.
inline EventLoop& get_running_loop() {
    if (detail::running_loop == nullptr) {
        detail::throw_no_running_loop();
    }
    return *detail::running_loop;
}

}  // namespace ringio

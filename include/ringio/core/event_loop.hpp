// The event loop, as asyncio has it: callbacks, tasks, the exception handler, the default executor.
// What makes it go is its Machine.
#pragma once

#include <ringio/base/config.hpp>
#include <ringio/base/delay.hpp>
#include <ringio/core/callable.hpp>
#include <ringio/core/exceptions.hpp>
#include <ringio/core/forward.hpp>
#include <ringio/core/handle.hpp>
#include <ringio/core/loop_options.hpp>
#include <ringio/core/machine.hpp>
#include <ringio/core/thread_check.hpp>
#include <ringio/core/timers.hpp>

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace ringio {

namespace detail {

/// A coroutine function, called with these arguments.
template <class Fn, class... Args>
concept GivesTask =
    std::is_invocable_v<std::decay_t<Fn>&, std::decay_t<Args>&...> &&
    is_task<std::remove_cvref_t<std::invoke_result_t<std::decay_t<Fn>&, std::decay_t<Args>&...>>>;

}  // namespace detail

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

    /// Ends run_forever() after the turn in progress; callbacks added in it run the next time.
    void stop() {
        detail::check_thread(this);
        machine_.stop();
    }
    bool is_running() const noexcept { return machine_.is_running(); }
    bool is_closed() const noexcept { return machine_.is_closed(); }

    /// Cancels and reaps every kernel request, destroys what is still pending, and what its
    /// destructors start, and gives the ring back. Idempotent. *Errors*: std::runtime_error while
    /// the loop runs; on another thread than the one that ran it, when operations are in flight,
    /// for only that one can end them.
    /// *Lifetime*: when the ring cannot go on (run() threw why), what is pending cannot be
    /// destroyed, for the kernel may still write to it: it stays in memory, and the exception
    /// handler is told. In the child of a fork(2) everything stays there, without a word.
    void close();

    /// The loop's clock: monotonic, or virtual when the loop was made so.
    TimePoint time() const noexcept { return machine_.now(); }

    /// Queues a callback for the next turn, in strict order of the calls.
    /// *Errors*: std::invalid_argument for a null callback; std::runtime_error on a closed loop.
    Handle call_soon(Callback callback);
    template <detail::Kept Fn>
    Handle call_soon(Fn&& function, std::source_location where = std::source_location::current()) {
        return queue_call(
            detail::make_call<detail::HandleState>(*this, std::forward<Fn>(function), where));
    }

    /// Queues a callback for `delay` from now. A negative delay is the next turn; a huge one
    /// saturates; NaN is std::invalid_argument.
    TimerHandle call_later(Delay delay, Callback callback);
    template <detail::Kept Fn>
    TimerHandle call_later(Delay delay, Fn&& function,
                           std::source_location where = std::source_location::current()) {
        return arm_call(
            detail::make_call<detail::TimerHandleState>(*this, std::forward<Fn>(function), where),
            delay);
    }
    TimerHandle call_at(TimePoint when, Callback callback);
    template <detail::Kept Fn>
    TimerHandle call_at(TimePoint when, Fn&& function,
                        std::source_location where = std::source_location::current()) {
        return arm_call(
            detail::make_call<detail::TimerHandleState>(*this, std::forward<Fn>(function), where),
            when);
    }

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

    /// Has `callback` called in each turn in which `fd` can be read from, or its other side has
    /// gone, until remove_reader(); one that was set before for the same is replaced. It runs in
    /// the context of the caller; what it throws goes to the exception handler.
    ///
    /// *Errors*: std::invalid_argument for a null callback or a negative `fd`; std::system_error:
    /// EBADF when it is not open, EPERM for a regular file or a directory; std::runtime_error when
    /// a stream of this loop uses it, or the loop is closed.
    /// *Lifetime*: `fd` stays the caller's, and as it is (O_NONBLOCK too). Remove first, then
    /// close: once remove_reader() has returned, the number may be another file's.
    void add_reader(int fd, Callback callback);
    /// The same while it can be written to, or its other side has gone.
    void add_writer(int fd, Callback callback);

    /// The same with arguments, which are copied: `loop.add_reader(fd, read_some, fd)`.
    template <class Fn, class... Args>
        requires(sizeof...(Args) > 0)
    void add_reader(int fd, Fn&& function, Args&&... args) {
        add_reader(fd, detail::bind(std::forward<Fn>(function), std::forward<Args>(args)...));
    }
    template <class Fn, class... Args>
        requires(sizeof...(Args) > 0)
    void add_writer(int fd, Fn&& function, Args&&... args) {
        add_writer(fd, detail::bind(std::forward<Fn>(function), std::forward<Args>(args)...));
    }

    /// Removes a callback; it is not called any more, not in this turn either. Returns whether
    /// there was one; false on a closed loop.
    bool remove_reader(int fd);
    bool remove_writer(int fd);

    /// Calls `callback`, as if by call_soon_threadsafe(), when the process gets a signal; in place
    /// of the loop's handler before it, if there was one. Handlers whose signals came together are
    /// called in the order in which they were added, and many arrivals of a signal before the loop
    /// looks may be one call. One that comes while the loop does not run is kept. A handler of
    /// SIGINT takes the place of what run() does at Ctrl-C, until it is removed. See
    /// docs/signals.md.
    /// *Errors*: std::invalid_argument "invalid signal number 77", and for a null callback;
    /// std::runtime_error "sig 9 cannot be caught", for SIGSEGV, SIGBUS, SIGFPE and SIGILL, for a
    /// signal that another loop or a Signals object has, and on a closed loop. What the callback
    /// throws goes to the exception handler.
    /// *Lifetime*: until it is removed or the loop closes; then the process does with the signal
    /// what it did before. *Python*: on the loop of any thread; a handler that was removed is not
    /// called any more, though its signal has come; what was there before is restored, not SIG_DFL.
    void add_signal_handler(int signal, Callback callback);
    template <class Fn, class... Args>
        requires(sizeof...(Args) > 0 || detail::GivesTask<Fn>)
    void add_signal_handler(int signal, Fn&& function, Args&&... args) {
        static_assert(!detail::GivesTask<Fn, Args...>,
                      "ringio: a coroutine is no signal handler: have a plain function call "
                      "create_task(), or await Signals::next()");
        add_signal_handler(signal,
                           detail::bind(std::forward<Fn>(function), std::forward<Args>(args)...));
    }

    /// Removes the loop's handler of a signal; false when there is none.
    /// *Errors*: std::invalid_argument as above.
    bool remove_signal_handler(int signal);

    /// Looks a host up by getaddrinfo(3), in a thread that only does that. What is in names.hpp
    /// says more, and must be included to call it.
    Task<std::vector<AddressInfo>> getaddrinfo(std::string host, long port);
    Task<std::vector<AddressInfo>> getaddrinfo(std::string host, long port,
                                               const AddressHints& hints);
    Task<std::vector<AddressInfo>> getaddrinfo(std::string host, std::string service);
    Task<std::vector<AddressInfo>> getaddrinfo(std::string host, std::string service,
                                               const AddressHints& hints);

    /// Looks up what an address is called, by getnameinfo(3): gives host and service. As above.
    Task<std::pair<std::string, std::string>> getnameinfo(const SocketAddress& address,
                                                          int flags = 0);

    /// Lets `resolver` answer getaddrinfo() in the place of the C library; null: that again. What
    /// is under way goes on. As above, resolver.hpp.
    void set_resolver(std::shared_ptr<Resolver> resolver);

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
    void set_task_factory(TaskFactory factory);
    const TaskFactory& get_task_factory() const noexcept;

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

    /// The same in a worker process; process_pool_executor.hpp says what can be sent there. A call
    /// that runs can be ended, too, if the pool's `cancel_running` says so.
    template <std::same_as<concurrent::ProcessPoolExecutor> Pool, class Fn, class... Args>
    Future<detail::CallResult<Fn, Args...>> run_in_executor(Pool* executor, Fn&& function,
                                                            Args&&... args);
    template <class Fn, class... Args>
    Future<detail::CallResult<Fn, Args...>> run_in_executor(
        concurrent::ProcessPoolExecutor& executor, Fn&& function, Args&&... args);

    /// Replaces the default executor. *Errors*: std::invalid_argument for null.
    void set_default_executor(std::shared_ptr<concurrent::ThreadPoolExecutor> executor);
    /// A pool of processes is refused, as in Python: to_thread() and others give the default
    /// executor calls that no process can be sent.
    template <std::same_as<concurrent::ProcessPoolExecutor> Pool>
    void set_default_executor(std::shared_ptr<Pool>) {
        static_assert(
            !std::same_as<Pool, concurrent::ProcessPoolExecutor>,
            "ringio: the default executor must be a ThreadPoolExecutor, for it gets calls "
            "that no process can be sent; pass a process pool to run_in_executor()");
    }

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
    void set_debug(bool enabled) noexcept { machine_.set_debug(enabled); }
    bool get_debug() const noexcept { return machine_.is_debug(); }

    /// The longest that a step may take in debug mode without a report; 100 ms unless set.
    std::chrono::nanoseconds slow_callback_duration() const noexcept;
    void set_slow_callback_duration(Delay duration) noexcept;

    /// Says that another thread is going to wake this loop, as long as the returned object lives;
    /// without it, debug mode may take an idle loop for a deadlock. May be destroyed anywhere.
    [[nodiscard]] std::shared_ptr<void> expect_wakeup();

    LoopStatistics statistics() const noexcept { return machine_.statistics(); }

    /// Returns which kernel answers: "io_uring", "epoll", or that of LoopOptions::kernel. Sets it
    /// up if the loop has not run yet. *Errors*: std::system_error when none can be set up.
    std::string_view kernel_name() { return machine_.kernel_name(); }

    /// For the layers above, which push Runnables and Completions; not for users.
    detail::Machine& machine() noexcept { return machine_; }
    const detail::Machine& machine() const noexcept { return machine_; }

private:
    Handle queue_call(detail::HandleState& call);
    TimerHandle arm_call(detail::TimerHandleState& call, Delay delay);
    TimerHandle arm_call(detail::TimerHandleState& call, TimePoint when);

    detail::Machine machine_;  // the first: to reach it costs nothing
};

namespace detail {

/// The loop that runs on this thread, or null.
RINGIO_VARIABLE(thread_local EventLoop* running_loop, = nullptr);

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

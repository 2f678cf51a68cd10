// Runner: a loop from its making to its orderly end, for one main coroutine or several.
#pragma once

#include <ringio/core/event_loop.hpp>
#include <ringio/core/signal_set.hpp>
#include <ringio/core/task.hpp>
#include <ringio/tasks/create_task.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <utility>

namespace ringio {

/// How run() and Runner make their loop.
struct RunOptions {
    std::optional<bool> debug = {};  ///< unset: the environment variable RINGIO_DEBUG
    LoopOptions loop = {};           ///< further options of the loop
    /// Signals that ask the program to end: `{.cancel_on = {SIGINT, SIGTERM}}`. The first one
    /// cancels the main task, once; what main makes of that is the result, so if CancelledError
    /// leaves it, run() throws that (after SIGINT: KeyboardInterrupt). Further ones change nothing
    /// until run() is over, except SIGINT, which stops at once. One that comes before main runs
    /// cancels it at its start. SIGINT, without being named here, does the same in the main thread
    /// unless somebody handles or ignores it. A handler of the program's takes precedence.
    SignalSet cancel_on = {};
};

/// Runs several coroutines on one loop; asyncio.Runner. The loop is made at first use. What a run
/// sets in its context is there for the next one.
///
/// While it runs in the main thread, the first Ctrl-C cancels the main task and the second stops at
/// once, both as KeyboardInterrupt; a third one kills the process. RunOptions::cancel_on adds other
/// signals. To hear of one that cleaning up brought, call close(): the destructor can only report
/// it.
class Runner {
public:
    Runner() : Runner(RunOptions{}) {}
    explicit Runner(const RunOptions& options);
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;
    ~Runner();

    /// Runs an awaitable to its end and gives its result.
    /// *Errors*: std::runtime_error within a running loop or after close(); what the awaitable
    /// throws; KeyboardInterrupt.
    template <Awaitable A>
    detail::AwaitValue<A> run(A&& awaitable,
                              std::source_location where = std::source_location::current()) {
        detail::prepare_to_run(awaitable, [this] {
            prepare("Runner.run() cannot be called from a running event loop");
        });
        auto main = loop_->create_task(detail::to_coroutine(std::forward<A>(awaitable)),
                                       {.context = &context_}, where);
        run_main(AnyFuture(main.shared_state()));
        if constexpr (!std::is_void_v<detail::AwaitValue<A>>) {
            return detail::take_value<detail::AwaitValue<A>>(*main.shared_state());
        }
    }

    template <class A>
        requires(!Awaitable<A>)
    void run(A&&) {
        static_assert(Awaitable<A>,
                      "ringio: Runner::run() takes a coroutine or another awaitable; a coroutine "
                      "function is called first: run(main_coroutine())");
    }

    /// Returns the loop, made if need be.
    EventLoop& get_loop();

    /// Cancels the tasks that are left, waits for them, reports their errors, closes the generators
    /// that are left, and closes the loop. Idempotent. *Errors*: KeyboardInterrupt.
    void close();

    // For run().

    /// Refuses to go on within a running loop, and makes the loop and its ring.
    void prepare(const char* refusal);
    /// As close(), but reports what it throws, except a KeyboardInterrupt.
    void close_and_report();

private:
    void run_main(AnyFuture main);
    void cancel_all_tasks();

    RunOptions options_;
    Context context_ = copy_context();
    std::unique_ptr<EventLoop> loop_;
    bool closed_ = false;
};

}  // namespace ringio

// ProcessPoolExecutor: processes for calls that keep a processor busy, or may end the process that
// makes them.
#pragma once

#include <ringio/concurrent/broken_executor.hpp>
#include <ringio/concurrent/future.hpp>
#include <ringio/concurrent/map.hpp>
#include <ringio/concurrent/thread_pool_executor.hpp>
#include <ringio/core/callable.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/process/chunked_map.hpp>
#include <ringio/process/process_worker.hpp>
#include <ringio/process/remote_call.hpp>
#include <ringio/process/remote_error.hpp>
#include <ringio/process/worker_initializer.hpp>
#include <ringio/tasks/wrap_future.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace ringio {
namespace detail {

class ProcessPool;

/// A call whose result a pool will give to a future. Destroyed before, it cancels the future.
class PendingCall {
public:
    PendingCall() = default;
    PendingCall(const PendingCall&) = delete;
    PendingCall& operator=(const PendingCall&) = delete;
    virtual ~PendingCall() = default;

    /// False when it has been cancelled.
    virtual bool begin() noexcept = 0;
    /// Ends the future with what is read from the message.
    virtual void set_result(std::string_view message) noexcept = 0;
    virtual void set_exception(std::exception_ptr exception) noexcept = 0;
    virtual ConcurrentStateBase& future() const noexcept = 0;
};

template <class R>
class PendingResult final : public PendingCall {
public:
    concurrent::Future<R> get_future() const { return promise_.get_future(); }

    bool begin() noexcept override { return promise_.set_running_or_notify_cancel(); }
    void set_result(std::string_view message) noexcept override {
        try {
            concurrent::ArchiveIn in(message);
            if constexpr (std::is_void_v<R>) {
                in.require_end();
                promise_.set_result();
            } else {
                R result = in.read<R>();
                in.require_end();
                promise_.set_result(std::move(result));
            }
        } catch (...) {
            set_exception(std::current_exception());
        }
    }
    void set_exception(std::exception_ptr exception) noexcept override {
        try {
            promise_.set_exception(std::move(exception));
        } catch (const InvalidStateError&) {  // it was cancelled while it ran
        }
    }
    ConcurrentStateBase& future() const noexcept override {
        return *promise_.get_future().shared_state();
    }

private:
    concurrent::Promise<R> promise_;
};

}  // namespace detail

namespace concurrent {

/// What becomes of a pool when one of its workers dies: is killed, crashes, calls exit().
enum class OnWorkerDeath : unsigned char {
    break_pool,  ///< all its futures fail with BrokenProcessPool, and so do later calls; Python's
    fail_task,   ///< only the future whose call it made; another worker takes its place
};

/// What cancel() of a future does whose call has begun.
enum class CancelRunning : unsigned char {
    leave,  ///< nothing, it returns false; Python's
    kill,   ///< kills the worker and cancels the future; another worker takes its place
};

/// How a ProcessPoolExecutor is set up.
struct ProcessPoolOptions {
    /// None: as many as the process may use processors: affinity and the cgroup's quota count.
    std::optional<std::size_t> max_workers = {};
    std::size_t max_tasks_per_child = 0;  ///< a worker ends after so many calls; 0: never
    /// Called first in each worker: a function, or `{function, arguments…}`. GCC 12: where these
    /// options stand in a co_await, give them a name before.
    WorkerInitializer initializer = {};
    OnWorkerDeath on_worker_death = OnWorkerDeath::break_pool;
    CancelRunning cancel_running = CancelRunning::leave;
    /// How many bytes the arguments of a call, or its result, may take on their way.
    std::uint64_t max_message_size = std::uint64_t{2} << 30U;
};

/// How ProcessPoolExecutor::map() goes about it.
struct ProcessMapOptions {
    /// After so long since map(), taking a result throws TimeoutError; none: never.
    std::optional<Delay> timeout = {};
    /// How many calls go to a worker at once; 0: so many that each worker gets four portions,
    /// multiprocessing.Pool's rule. *Python*: 1 in ProcessPoolExecutor.
    std::size_t chunksize = 0;
    /// How many portions are sent ahead of the one whose results are taken; 0: all.
    std::size_t buffersize = 0;
};

/// A bounded set of worker processes, started when there is work for them. Thread-safe, and usable
/// without a loop. The program's main() begins with process_worker(), or is a co_main().
///
/// A worker is this program, executed again: it has nothing of this process's memory, but what was
/// constructed before main(). Its standard input is /dev/null, its output this process's. It
/// ignores Ctrl-C, and is killed when this process ends in whatever way.
///
/// *Python*: concurrent.futures.ProcessPoolExecutor with the start method "spawn".
class ProcessPoolExecutor {
public:
    /// *Errors*: std::invalid_argument when max_workers is 0.
    ProcessPoolExecutor() : ProcessPoolExecutor(ProcessPoolOptions{}) {}
    explicit ProcessPoolExecutor(std::size_t max_workers);
    explicit ProcessPoolExecutor(const ProcessPoolOptions& options);
    ProcessPoolExecutor(const ProcessPoolExecutor&) = delete;
    ProcessPoolExecutor& operator=(const ProcessPoolExecutor&) = delete;

    /// As shutdown(), unless one that does not wait came before.
    ~ProcessPoolExecutor();

    /// Has a worker call `function(args...)` and returns a Future<R> of what it returns or throws.
    /// The function is one of this program or of a library that the worker loads, too: a function
    /// pointer, or a lambda without captures. The arguments are converted to its parameters' types
    /// and sent by the archive (archive.hpp), and so is the result.
    ///
    /// *Errors*: BrokenProcessPool when a worker has died; std::runtime_error after shutdown(), or
    /// when main() has not called process_worker(). The future's: what the function throws (its
    /// very type if it is one of the standard library's or ringio's, else RemoteError); what
    /// writing or reading the archive throws; BrokenProcessPool; std::system_error when no worker
    /// can be started. *Cancellation*: cancel() of the future takes the call out of the queue; one
    /// that a worker has got cannot be cancelled, unless `cancel_running` says kill.
    template <class Fn, class... Args>
    auto submit(Fn&& function, Args&&... args);

    /// Calls `function` with each element of `inputs`, or with one of each until the shorter ends,
    /// and returns a range of the results in that order, each available when it has come. All
    /// portions are sent at the call, unless `buffersize` says otherwise.
    ///
    /// *Errors*: as submit(); an exception comes out in the place of its portion's results, and
    /// ends the range; TimeoutError. *Cancellation*: as MapResults.
    template <class Fn, detail::MapInput Inputs>
    auto map(Fn&& function, Inputs&& inputs, const ProcessMapOptions& options = {});
    template <class Fn, detail::MapInput First, detail::MapInput Second>
    auto map(Fn&& function, First&& first, Second&& second, const ProcessMapOptions& options = {});

    /// Refuses new calls, and makes those that are queued. May be called again, also while another
    /// thread waits in it: each call with `wait` returns when all workers have ended.
    void shutdown(const ShutdownOptions& options = {});

    /// Ends all workers, by SIGTERM and five seconds later by SIGKILL, or by that at once; and
    /// shuts down without a wait: what runs fails with BrokenProcessPool, what is queued is
    /// cancelled.
    void terminate_workers();
    void kill_workers();

    /// The processes that there are now, the oldest first.
    std::vector<pid_t> worker_pids() const;

private:
    template <class Fn, class... Ranges>
    auto map_all(const ProcessMapOptions& options, Fn function, Ranges&&... ranges);

    std::shared_ptr<detail::ProcessPool> pool_;
};

}  // namespace concurrent

namespace detail {

std::size_t max_workers_of(const ProcessPool& pool) noexcept;

/// *Errors*: as submit() throws them.
void require_open(const ProcessPool& pool);

/// Queues a call; `message` is what write_callee() began, `code` what is called, for reports.
/// *Errors*: as submit() throws them.
void submit_call(ProcessPool& pool, std::unique_ptr<PendingCall> call, std::string message,
                 CodePointer code);

/// Queues a call whose message `write(message)` writes; what that throws goes to the future.
template <class R, class Write>
concurrent::Future<R> submit_written(ProcessPool& pool, CodePointer code, Write write) {
    require_open(pool);
    auto call = std::make_unique<PendingResult<R>>();
    concurrent::Future<R> future = call->get_future();
    concurrent::ArchiveOut message;
    try {
        write(message);
    } catch (...) {
        call->set_exception(std::current_exception());
        return future;
    }
    submit_call(pool, std::move(call), std::move(message).bytes(), code);
    return future;
}

}  // namespace detail

template <class Fn, class... Args>
auto concurrent::ProcessPoolExecutor::submit(Fn&& function, Args&&... args) {
    using Callee = detail::Callable<Fn>;
    detail::require_remote_callable<Callee, detail::Callable<Args>...>();
    (detail::require_safe_value<Args>(), ...);
    using Call = detail::RemoteCallOf<Callee, detail::Callable<Args>...>;
    const auto callee = static_cast<Callee>(detail::unwrap_callable(std::forward<Fn>(function)));
    return detail::submit_written<typename Call::Result>(
        *pool_, Call::code(callee), [&](ArchiveOut& message) {
            Call::write(message, callee, detail::unwrap_callable(std::forward<Args>(args))...);
        });
}

template <class Fn, class... Ranges>
auto concurrent::ProcessPoolExecutor::map_all(const ProcessMapOptions& options, Fn function,
                                              Ranges&&... ranges) {
    detail::require_remote_callable<Fn, detail::MapValue<Ranges>...>();
    using Travellers = typename detail::TravellersOf<typename detail::ParametersOf<Fn>::type,
                                                     detail::MapValue<Ranges>...>::type;
    using Reader = detail::ChunkReader<Fn, Travellers, Ranges...>;
    using Chunk = typename Reader::Chunk;
    const std::size_t calls = std::min({static_cast<std::size_t>(std::ranges::size(ranges))...});
    const std::size_t size = options.chunksize != 0
                                 ? options.chunksize
                                 : detail::pool_chunk_size(calls, detail::max_workers_of(*pool_));
    auto reader = std::make_unique<Reader>(function, size, calls, std::forward<Ranges>(ranges)...);
    using Results = typename Chunk::Results;
    auto submit_next = [pool = pool_,
                        reader = std::move(reader)]() -> std::optional<Future<Results>> {
        const typename Chunk::Arguments arguments = reader->next();
        if (std::get<0>(arguments).empty()) {
            return std::nullopt;
        }
        return detail::submit_written<Results>(
            *pool, Chunk::code(reader->function()),
            [&](ArchiveOut& message) { Chunk::write(message, reader->function(), arguments); });
    };
    return ChunkedMapResults<typename Chunk::Result>(MapResults<Results>(
        std::move(submit_next),
        MapOptions{.timeout = options.timeout, .buffersize = options.buffersize}));
}

template <class Fn, detail::MapInput Inputs>
auto concurrent::ProcessPoolExecutor::map(Fn&& function, Inputs&& inputs,
                                          const ProcessMapOptions& options) {
    (detail::require_safe_value<Inputs>());
    return map_all(options,
                   detail::Callable<Fn>(detail::unwrap_callable(std::forward<Fn>(function))),
                   detail::with_size(detail::unwrap_callable(std::forward<Inputs>(inputs))));
}

template <class Fn, detail::MapInput First, detail::MapInput Second>
auto concurrent::ProcessPoolExecutor::map(Fn&& function, First&& first, Second&& second,
                                          const ProcessMapOptions& options) {
    detail::require_safe_value<First>();
    detail::require_safe_value<Second>();
    return map_all(options,
                   detail::Callable<Fn>(detail::unwrap_callable(std::forward<Fn>(function))),
                   detail::with_size(detail::unwrap_callable(std::forward<First>(first))),
                   detail::with_size(detail::unwrap_callable(std::forward<Second>(second))));
}

template <class Fn, class... Args>
Future<detail::CallResult<Fn, Args...>> EventLoop::run_in_executor(
    concurrent::ProcessPoolExecutor& executor, Fn&& function, Args&&... args) {
    return wrap_future(executor.submit(std::forward<Fn>(function), std::forward<Args>(args)...),
                       *this);
}

template <std::same_as<concurrent::ProcessPoolExecutor> Pool, class Fn, class... Args>
Future<detail::CallResult<Fn, Args...>> EventLoop::run_in_executor(Pool* executor, Fn&& function,
                                                                   Args&&... args) {
    if (executor == nullptr) {
        throw std::invalid_argument("run_in_executor: the process pool is null");
    }
    return run_in_executor(*executor, std::forward<Fn>(function), std::forward<Args>(args)...);
}

}  // namespace ringio

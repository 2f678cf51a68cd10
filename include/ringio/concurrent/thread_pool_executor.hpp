// ThreadPoolExecutor: threads for calls that block. Each loop has one of its own by default, for
// to_thread().
#pragma once

#include <ringio/base/unique_function.hpp>
#include <ringio/concurrent/future.hpp>
#include <ringio/concurrent/initializer.hpp>
#include <ringio/concurrent/map.hpp>
#include <ringio/core/callable.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace ringio {
namespace concurrent {

/// How a ThreadPoolExecutor is set up.
struct ThreadPoolOptions {
    /// None: as many as Python's, min(32, processors that may be used + 4). *Python*: a quota of a
    /// cgroup counts here, too.
    std::optional<std::size_t> max_workers = {};
    /// Copied; the threads are called prefix_0, prefix_1 … (15 characters at most); empty: as the
    /// thread that started them.
    std::string_view thread_name_prefix = {};
    /// Called in each thread before its first call. One that throws is reported, "Exception in
    /// initializer:", and breaks the pool: queued and later calls fail with BrokenThreadPool.
    Initializer initializer = {};
};

/// How a ThreadPoolExecutor ends.
struct ShutdownOptions {
    /// Wait until all threads have ended. Else they do what is queued and end by themselves, and
    /// nobody waits for them, not even the destructor or the end of the program, unless shutdown()
    /// is called again to do so.
    bool wait = true;
    bool cancel_futures = false;  ///< drop what is queued, and cancel the futures of it
};

/// A bounded set of worker threads, started when there is work for them. Thread-safe.
///
/// The workers take no signals: those are for the thread that runs the loop.
class ThreadPoolExecutor {
public:
    /// *Errors*: std::invalid_argument when max_workers is 0.
    ThreadPoolExecutor() : ThreadPoolExecutor(ThreadPoolOptions{}) {}
    explicit ThreadPoolExecutor(std::size_t max_workers)
        : ThreadPoolExecutor(ThreadPoolOptions{.max_workers = max_workers}) {}
    explicit ThreadPoolExecutor(const ThreadPoolOptions& options);
    ThreadPoolExecutor(const ThreadPoolExecutor&) = delete;
    ThreadPoolExecutor& operator=(const ThreadPoolExecutor&) = delete;

    /// As shutdown(), unless one that does not wait came before.
    ~ThreadPoolExecutor();

    /// Queues a call and returns a future of what it returns or throws. The callable and the
    /// arguments are moved or copied, as for std::thread, and destroyed before the future is done;
    /// a reference is passed as std::ref.
    ///
    /// *Errors*: std::runtime_error after shutdown(); BrokenThreadPool once an initializer failed;
    /// std::system_error when not even one thread can be started. *Cancellation*: cancel() of the
    /// future takes the call out of the queue.
    template <class Fn, class... Args>
    Future<detail::CallResult<Fn, Args...>> submit(Fn&& function, Args&&... args);

    /// Calls `function` for each element of `inputs`, or with one of each of two ranges until the
    /// shorter ends, and gives what it returns in the order of the input: see MapResults. All
    /// calls are submitted here, or as many as `options` says.
    ///
    /// The calls share the function, which several threads call as const; each gets an element of
    /// its own: copied, or moved out of a range that is given away (with std::move() or
    /// by_move()). *Lifetime*: a range that is not given away is read until it ends, which is
    /// within the call unless there is a buffersize. A large element is best passed as a pointer.
    /// *Errors*: as submit(). *Python*: two iterables at most; zip others.
    template <class Fn, detail::MapInput Inputs>
    auto map(Fn&& function, Inputs&& inputs, const MapOptions& options = {});
    template <class Fn, detail::MapInput First, detail::MapInput Second>
    auto map(Fn&& function, First&& first, Second&& second, const MapOptions& options = {});

    /// Queues a job without a future, which must not throw. A pool that breaks drops it.
    /// *Errors*: as submit().
    void post(UniqueFunction<void()> job) { enqueue(state_, std::move(job)); }

    /// Refuses new jobs, and does those that are queued. May be called again, also while another
    /// thread waits in it: each call with `wait` returns when all threads have ended. A worker may
    /// call it, too; it waits for the other ones, unless somebody else does.
    void shutdown(const ShutdownOptions& options = {});

private:
    struct State;

    // These hold the state: the job may run, and destroy the executor, before they return.

    /// `future`, if any, lives as long as the job does; to cancel it takes the job out of the
    /// queue.
    static void enqueue(std::shared_ptr<State> state, UniqueFunction<void()> job,
                        detail::ConcurrentStateBase* future = nullptr);

    /// What submit() does when everything has been looked at.
    template <class Fn, class... Args>
    static auto submit_to(std::shared_ptr<State> state, Fn&& function, Args&&... args);
    template <class Fn, class... Ranges>
    auto map_all(const MapOptions& options, Fn&& function, Ranges&&... ranges);

    std::shared_ptr<State> state_;  // shared with the threads
};

}  // namespace concurrent

namespace detail {

/// A call on its way to a worker. Destroyed without having been called, it cancels its future.
template <class R, class Fn, class... Args>
class PoolCall {
public:
    template <class F, class... A>
    explicit PoolCall(F&& function, A&&... args)
        : function_(std::forward<F>(function)), arguments_(std::forward<A>(args)...) {}

    concurrent::Future<R> get_future() const { return promise_.get_future(); }

    void operator()() {
        if (!promise_.set_running_or_notify_cancel()) {
            return;
        }
        std::optional<Stored<R>> value;
        if (std::exception_ptr exception = call(value)) {
            promise_.set_exception(std::move(exception));
            return;
        }
        try {
            promise_.set_result(std::move(*value));
        } catch (...) {  // moving the value threw
            promise_.set_exception(std::current_exception());
        }
    }

private:
    /// Returns the exception, or null with a value.
    std::exception_ptr call(std::optional<Stored<R>>& value) noexcept {
        try {
            Fn function = std::move(function_);
            std::tuple<Args...> arguments = std::move(arguments_);
            if constexpr (std::is_void_v<R>) {
                std::apply(std::move(function), std::move(arguments));
                value.emplace();
            } else {
                value.emplace(std::apply(std::move(function), std::move(arguments)));
            }
            return nullptr;
        } catch (...) {
            return std::current_exception();
        }
    }

    concurrent::Promise<R> promise_;
    Fn function_;
    std::tuple<Args...> arguments_;
};

}  // namespace detail

template <class Fn, class... Args>
auto concurrent::ThreadPoolExecutor::submit_to(std::shared_ptr<State> state, Fn&& function,
                                               Args&&... args) {
    using R = detail::CallResult<Fn, Args...>;
    detail::PoolCall<R, std::decay_t<Fn>, std::decay_t<Args>...> call(std::forward<Fn>(function),
                                                                      std::forward<Args>(args)...);
    Future<R> future = call.get_future();
    enqueue(std::move(state), std::move(call), future.shared_state().get());
    return future;
}

template <class Fn, class... Args>
concurrent::Future<detail::CallResult<Fn, Args...>> concurrent::ThreadPoolExecutor::submit(
    Fn&& function, Args&&... args) {
    detail::require_safe_callable<Fn>();
    (detail::require_safe_value<Args>(), ...);
    return submit_to(state_, detail::unwrap_callable(std::forward<Fn>(function)),
                     detail::unwrap_callable(std::forward<Args>(args))...);
}

template <class Fn, class... Ranges>
auto concurrent::ThreadPoolExecutor::map_all(const MapOptions& options, Fn&& function,
                                             Ranges&&... ranges) {
    detail::require_safe_callable<Fn>();
    (detail::require_safe_value<Ranges>(), ...);
    detail::require_map_function<Fn, Ranges...>();
    using Function = detail::MapFunction<detail::Callable<Fn>>;
    using Readers = std::tuple<detail::MapReaderOf<Ranges>...>;
    using R = detail::CallResult<Function, detail::MapValue<Ranges>...>;
    return MapResults<R>(
        [state = state_, shared = Function(detail::unwrap_callable(std::forward<Fn>(function))),
         readers =
             std::make_unique<Readers>(detail::unwrap_callable(std::forward<Ranges>(ranges))...)] {
            return std::apply(
                [&](auto&... reader) {
                    return (reader.next() && ...)
                               ? std::optional(submit_to(state, shared, reader.take()...))
                               : std::nullopt;
                },
                *readers);
        },
        options);
}

template <class Fn, detail::MapInput Inputs>
auto concurrent::ThreadPoolExecutor::map(Fn&& function, Inputs&& inputs,
                                         const MapOptions& options) {
    return map_all(options, std::forward<Fn>(function), std::forward<Inputs>(inputs));
}

template <class Fn, detail::MapInput First, detail::MapInput Second>
auto concurrent::ThreadPoolExecutor::map(Fn&& function, First&& first, Second&& second,
                                         const MapOptions& options) {
    return map_all(options, std::forward<Fn>(function), std::forward<First>(first),
                   std::forward<Second>(second));
}

}  // namespace ringio

// ThreadPoolExecutor: threads for calls that block. Each loop has one of its own by default, for
// names that must be resolved.
#pragma once

#include <ringio/base/unique_function.hpp>
#include <ringio/core/event_loop.hpp>

#include <cstddef>
#include <memory>

namespace ringio::concurrent {

/// A bounded set of worker threads, started when there is work for them. Thread-safe.
class ThreadPoolExecutor {
public:
    /// The number of threads at most; 0 means as many as Python's: min(32, processors + 4).
    explicit ThreadPoolExecutor(std::size_t max_workers = 0);
    ThreadPoolExecutor(const ThreadPoolExecutor&) = delete;
    ThreadPoolExecutor& operator=(const ThreadPoolExecutor&) = delete;

    /// As shutdown().
    ~ThreadPoolExecutor();

    /// Queues a job, which must not throw. *Errors*: std::runtime_error after shutdown();
    /// std::system_error when not even one thread can be started.
    void post(UniqueFunction<void()> job);

    /// Refuses new jobs, does those that are queued, and joins the threads. Idempotent.
    void shutdown();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The loop's own executor, made at first use, shut down when the loop closes.
ThreadPoolExecutor& default_executor(EventLoop& loop);

}  // namespace ringio::concurrent

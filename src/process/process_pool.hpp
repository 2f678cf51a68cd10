// ProcessPool: the state of a ProcessPoolExecutor. A thread of its own, the manager, starts the
// workers and listens to them; calls are sent to an idle worker by whoever submits them.
#pragma once

#include <ringio/base/unique_fd.hpp>
#include <ringio/concurrent/thread_pool_executor.hpp>
#include <ringio/process/process_pool_executor.hpp>
#include <ringio/ring/own_process.hpp>

#include "pool_worker.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace ringio::detail {

class ProcessPool final : public std::enable_shared_from_this<ProcessPool>,
                          public ConcurrentWorker {
public:
    explicit ProcessPool(const concurrent::ProcessPoolOptions& options);

    std::size_t max_workers() const noexcept { return max_workers_; }

    /// *Errors*: what submit() throws of a pool that is broken, shut down, or another process's.
    void require_open() const;
    void submit(std::unique_ptr<PendingCall> pending, std::string message, CodePointer code);
    void shutdown(const concurrent::ShutdownOptions& options);
    void end_workers(int signal);
    std::vector<pid_t> worker_pids() const;

    /// Listens to the worker that makes the call, in the manager's place: so the result need not
    /// wake two threads, one after the other.
    void wait_for(std::uint64_t id, std::chrono::steady_clock::time_point deadline) override;
    /// Takes the call out of the queue, or kills the worker that makes it.
    void on_cancel(std::uint64_t id) noexcept override;

    /// In the child of a fork(2) the threads and the workers are the parent's.
    bool is_left() const noexcept { return process_.is_left(); }
    bool is_left_alone() const;

private:
    using Lock = std::unique_lock<std::mutex>;

    static constexpr auto patience_after_sigterm = std::chrono::seconds(5);

    // Who an event of epoll_ is of: a worker's address, with a bit for its pidfd.
    static constexpr std::uint64_t wakeup_source = 0;
    static constexpr std::uint64_t pidfd_bit = 1;
    static std::uint64_t socket_source(const PoolWorker& worker) noexcept {
        return reinterpret_cast<std::uint64_t>(&worker);
    }

    using Calls =
        std::map<std::uint64_t, SubmittedCall>;  // by number, in the order of their coming
    using Workers = std::list<PoolWorker>;

    /// The answer to a call, for its future. Delivered unlocked, and when nobody is listened to any
    /// more on its account: it calls what is anybody's, which may wait for the pool's end.
    struct Answer {
        std::list<SubmittedCall> call;
        std::list<SubmittedCall> dropped;
        FrameKind kind = FrameKind::result;
        FrameBody body;

        void deliver() noexcept;
    };

    void require_open(const Lock& lock) const;
    void begin_to_manage(const Lock& lock);
    PoolWorker* worker_of(const Lock& lock, std::uint64_t id) noexcept;
    void wake() const noexcept;

    // What is to be destroyed goes to `dropped`, for it may be anybody's code.
    void hand_out(const Lock& lock, std::list<SubmittedCall>& dropped);
    void give(const Lock& lock, PoolWorker& worker, SubmittedCall call,
              std::list<SubmittedCall>& dropped);
    /// Gives a worker whose calls are short another one behind that which it has, when more wait
    /// than there are workers.
    void give_second(const Lock& lock, PoolWorker& worker, std::list<SubmittedCall>& dropped);
    SubmittedCall take_first(const Lock& lock);
    PoolWorker* idle_worker(const Lock& lock);
    bool has_had_its_calls(const PoolWorker& worker) const noexcept;
    void retire_if_done(const Lock& lock, PoolWorker& worker) noexcept;
    bool needs_worker(const Lock& lock) const;
    /// Has the manager wait for what it is to hear of a worker.
    void watch(const Lock& lock, PoolWorker& worker);

    /// Receives one message of a worker that is listened to, until `deadline`; false: none has
    /// come. An answer is taken off the books, and for the caller to deliver.
    bool receive(Lock& lock, PoolWorker& worker, std::chrono::steady_clock::time_point deadline,
                 std::optional<Answer>& answer);
    std::optional<Answer> on_frame(Lock& lock, PoolWorker& worker, const Frame& frame);
    Answer on_answer(const Lock& lock, PoolWorker& worker, const Frame& frame);
    void end_listening(const Lock& lock, PoolWorker& worker) noexcept;

    // The manager's; they unlock to call what is anybody's.
    void manage() noexcept;
    bool manage_once(Lock& lock);
    void start_worker(Lock& lock);
    void begin_to_watch(PoolWorker& worker);
    void wait_for_events(Lock& lock);
    void on_event(Lock& lock, std::uint64_t source, std::uint32_t events);
    void listen_to(Lock& lock, PoolWorker& worker);
    void look_after_workers(Lock& lock);
    void on_end(Lock& lock, Workers::iterator worker);
    void break_pool(Lock& lock, const std::exception_ptr& reason,
                    std::list<SubmittedCall> failed = {});
    void take_waiting(const Lock& lock, std::list<SubmittedCall>& taken);
    void fail(Lock& lock, std::list<SubmittedCall>& calls, const std::exception_ptr& reason);
    void destroy(Lock& lock, std::list<SubmittedCall>& calls);

    const std::size_t max_workers_;
    const std::uint64_t max_tasks_per_child_;
    const std::uint64_t max_message_size_;
    const std::string initializer_;
    const concurrent::OnWorkerDeath on_worker_death_;
    const concurrent::CancelRunning cancel_running_;
    OwnProcess process_;
    concurrent::ThreadPoolExecutor manager_;

    mutable std::mutex mutex_;  // guards what follows
    UniqueFd epoll_;            // none: the manager has not begun
    UniqueFd wakeup_;           // an eventfd
    Calls waiting_;
    Workers workers_;
    std::uint64_t next_id_ = 1;
    bool is_managed_ = false;
    bool is_start_refused_ = false;  // until the next call, or the end of a worker
    bool is_stopping_ = false;
    bool is_broken_ = false;
    int end_signal_ = 0;          // of end_workers(), for a worker that is just being started
    bool is_left_alone_ = false;  // shutdown() without a wait: the destructor does not wait either
    std::optional<std::chrono::steady_clock::time_point> kill_time_;  // of those asked to end
};

}  // namespace ringio::detail

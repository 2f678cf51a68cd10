#include "process_pool.hpp"

#include "../concurrent/usable_processors.hpp"

#include <fmt/core.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace ringio::detail {

using concurrent::BrokenProcessPool;
using concurrent::CancelRunning;
using concurrent::OnWorkerDeath;

ProcessPool::ProcessPool(const concurrent::ProcessPoolOptions& options)
    : max_workers_(options.max_workers ? *options.max_workers : concurrent::usable_processors()),
      max_tasks_per_child_(options.max_tasks_per_child),
      max_message_size_(options.max_message_size),
      initializer_(options.initializer.message()),
      on_worker_death_(options.on_worker_death),
      cancel_running_(options.cancel_running),
      manager_({.max_workers = 1, .thread_name_prefix = "process_pool"}) {
    if (max_workers_ == 0) {
        throw std::invalid_argument("max_workers must be greater than 0");
    }
}

void ProcessPool::require_open() const {
    if (is_left()) {
        throw std::runtime_error(
            "a process pool is used in the child of a fork(); make a new one there, or exec");
    }
    require_open(Lock(mutex_));
}

void ProcessPool::require_open(const Lock&) const {
    if (is_broken_) {
        throw BrokenProcessPool(
            "A child process terminated abruptly, the process pool is not usable anymore");
    }
    if (is_stopping_) {
        throw std::runtime_error("cannot schedule new futures after shutdown");
    }
    require_process_worker_called();
}

void ProcessPool::submit(std::unique_ptr<PendingCall> pending, std::string message,
                         CodePointer code) {
    if (message.size() > max_message_size_) {
        pending->set_exception(std::make_exception_ptr(std::length_error(
            fmt::format("the arguments take {} bytes; the pool's max_message_size is {}",
                        message.size(), max_message_size_))));
        return;
    }
    ConcurrentStateBase& future = pending->future();
    const ConcurrentStateBase::Keep keep(future);
    std::list<SubmittedCall> dropped;
    Lock lock(mutex_);
    require_open(lock);
    begin_to_manage(lock);
    const std::uint64_t id = next_id_++;
    future.set_work(
        {.worker = weak_from_this(), .id = id, .may_end = cancel_running_ == CancelRunning::kill});
    SubmittedCall call{
        .id = id, .pending = std::move(pending), .message = std::move(message), .code = code};
    PoolWorker* const worker = waiting_.empty() ? idle_worker(lock) : nullptr;
    if (worker != nullptr) {
        give(lock, *worker, std::move(call), dropped);
    } else {
        waiting_.emplace_hint(waiting_.end(), id, std::move(call));
    }
    is_start_refused_ = false;
    if (needs_worker(lock)) {
        wake();
    }
}

void ProcessPool::begin_to_manage(const Lock&) {
    if (is_managed_) {
        return;
    }
    if (!wakeup_) {
        UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
        UniqueFd wakeup(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        epoll_event readable{.events = EPOLLIN, .data = {.u64 = wakeup_source}};
        if (!epoll || !wakeup ||
            ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wakeup.get(), &readable) != 0) {
            throw std::system_error(errno, std::system_category(), "a process pool");
        }
        epoll_ = std::move(epoll);
        wakeup_ = std::move(wakeup);
    }
    manager_.post([pool = shared_from_this()] { pool->manage(); });
    is_managed_ = true;
}

// A counter that is full wakes as well.
void ProcessPool::wake() const noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wakeup_.get(), &one, sizeof(one)));
}

PoolWorker* ProcessPool::worker_of(const Lock&, std::uint64_t id) noexcept {
    for (PoolWorker& worker : workers_) {
        if (!worker.calls.empty() && worker.calls.front().id == id) {
            return &worker;
        }
    }
    return nullptr;
}

void ProcessPool::on_cancel(std::uint64_t id) noexcept {
    if (is_left()) {
        return;
    }
    Calls::node_type removed;  // destroyed unlocked: it may be anybody's code
    const Lock lock(mutex_);
    removed = waiting_.extract(id);
    if (PoolWorker* const worker = worker_of(lock, id)) {
        worker->is_killed = true;
        worker->process().signal(SIGKILL);
    }
}

void ProcessPool::wait_for(std::uint64_t id, std::chrono::steady_clock::time_point deadline) {
    if (is_left()) {
        return;
    }
    std::optional<Answer> answer;
    Lock lock(mutex_);
    PoolWorker* const worker = worker_of(lock, id);
    if (worker == nullptr || worker->is_listened_to || !worker->takes_calls() || is_broken_ ||
        worker->has_more_to_send()) {
        return;
    }
    worker->is_unread = false;  // it is read here, whatever the manager is busy with
    worker->is_listened_to = true;
    worker->is_waited_for = true;
    worker->begin_receiving();
    try {
        watch(lock, *worker);
        receive(lock, *worker, deadline, answer);
    } catch (...) {
        break_pool(lock, std::current_exception());
        wake();  // it looks at the time from now on
    }
    worker->is_waited_for = false;
    worker->is_unread = worker->has_buffered();  // what came with the answer, no event tells of
    end_listening(lock, *worker);
    watch(lock, *worker);
    if (worker->has_ended || worker->is_unread) {
        wake();
    }
    lock.unlock();
    if (answer) {
        answer->deliver();
    }
}

// To change what is watched costs less than to watch anew: so nothing may be watched, too.
void ProcessPool::watch(const Lock&, PoolWorker& worker) {
    const bool is_heard = !worker.is_waited_for && !worker.calls.empty();
    const std::uint32_t events =
        (is_heard || worker.stage == PoolWorker::Stage::starting ? EPOLLIN : 0U) |
        (worker.has_more_to_send() ? EPOLLOUT : 0U);
    if (!worker.watched || events == *worker.watched) {
        return;
    }
    epoll_event wanted{.events = events, .data = {.u64 = socket_source(worker)}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, worker.socket(), &wanted) != 0) {
        throw std::system_error(errno, std::system_category(), "a process pool, epoll_ctl");
    }
    worker.watched = events;
}

void ProcessPool::hand_out(const Lock& lock, std::list<SubmittedCall>& dropped) {
    while (!waiting_.empty()) {
        PoolWorker* const worker = idle_worker(lock);
        if (worker == nullptr) {
            return;
        }
        give(lock, *worker, take_first(lock), dropped);
    }
}

void ProcessPool::give(const Lock& lock, PoolWorker& worker, SubmittedCall call,
                       std::list<SubmittedCall>& dropped) {
    call.has_begun = call.has_begun || call.pending->begin();
    if (!call.has_begun) {
        dropped.push_back(std::move(call));
    } else if (worker.send(call)) {
        watch(lock, worker);
    } else {  // another one makes it
        worker.is_lost = true;
        waiting_.emplace(call.id, std::move(call));
    }
}

PoolWorker* ProcessPool::idle_worker(const Lock&) {
    for (PoolWorker& worker : workers_) {
        if (worker.is_idle() && worker.takes_calls() && !has_had_its_calls(worker)) {
            return &worker;
        }
    }
    return nullptr;
}

// Then it need not wait for the next one. Only behind a call that has begun just now, not behind
// one of another worker's, which may be long; and not where the death of a worker is to be the end
// of one call only.
void ProcessPool::give_second(const Lock& lock, PoolWorker& worker,
                              std::list<SubmittedCall>& dropped) {
    if (waiting_.size() > workers_.size() && worker.calls.size() == 1 && worker.takes_calls() &&
        !has_had_its_calls(worker) && on_worker_death_ == OnWorkerDeath::break_pool &&
        cancel_running_ == CancelRunning::leave) {
        give(lock, worker, take_first(lock), dropped);
    }
}

SubmittedCall ProcessPool::take_first(const Lock&) {
    return std::move(waiting_.extract(waiting_.begin()).mapped());
}

bool ProcessPool::has_had_its_calls(const PoolWorker& worker) const noexcept {
    return max_tasks_per_child_ != 0 && worker.call_count >= max_tasks_per_child_;
}

bool ProcessPool::needs_worker(const Lock&) const {
    if (is_broken_ || is_start_refused_) {
        return false;
    }
    std::size_t live = 0;
    std::size_t starting = 0;
    for (const PoolWorker& worker : workers_) {
        live += worker.stage == PoolWorker::Stage::retired ? 0 : 1;
        starting += worker.stage == PoolWorker::Stage::starting ? 1 : 0;
    }
    return live < max_workers_ && waiting_.size() > starting;
}

void ProcessPool::retire_if_done(const Lock&, PoolWorker& worker) noexcept {
    if (worker.is_idle() && (has_had_its_calls(worker) || (is_stopping_ && waiting_.empty()))) {
        worker.retire();
    }
}

void ProcessPool::shutdown(const concurrent::ShutdownOptions& options) {
    if (is_left()) {
        return;
    }
    Calls dropped;
    {
        const Lock lock(mutex_);
        is_stopping_ = true;
        is_left_alone_ = !options.wait;
        if (options.cancel_futures) {
            dropped.swap(waiting_);
        }
        for (PoolWorker& worker : workers_) {
            retire_if_done(lock, worker);
        }
        if (is_managed_) {
            wake();
        }
    }
    dropped.clear();
    if (options.wait) {
        manager_.shutdown();
    }
}

void ProcessPool::end_workers(int signal) {
    if (is_left()) {
        return;
    }
    Calls dropped;
    const Lock lock(mutex_);
    is_stopping_ = true;
    end_signal_ = signal;
    kill_time_ = std::chrono::steady_clock::now() + patience_after_sigterm;
    dropped.swap(waiting_);
    for (const PoolWorker& worker : workers_) {
        worker.process().signal(signal);
        worker.process().signal(SIGCONT);  // one that is stopped takes no other signal than SIGKILL
    }
    if (is_managed_) {
        wake();
    }
}

std::vector<pid_t> ProcessPool::worker_pids() const {
    std::vector<pid_t> pids;
    if (is_left()) {
        return pids;
    }
    const Lock lock(mutex_);
    for (const PoolWorker& worker : workers_) {
        pids.push_back(worker.process().pid());
    }
    return pids;
}

bool ProcessPool::is_left_alone() const {
    const Lock lock(mutex_);
    return is_left_alone_;
}

}  // namespace ringio::detail

// What the manager of a ProcessPool does.
#include "process_pool.hpp"

#include <ringio/base/scope_exit.hpp>
#include <ringio/core/exceptions.hpp>
#include <ringio/core/report.hpp>

#include "code_address.hpp"
#include "remote_exception.hpp"

#include <fmt/core.h>

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace ringio::detail {
namespace {

using std::chrono::steady_clock;

using concurrent::BrokenProcessPool;
using concurrent::OnWorkerDeath;

constexpr auto short_call = std::chrono::milliseconds(1);

// Python's sentence, and what it does not say.
std::exception_ptr abruptly_terminated(const std::string& details) {
    return std::make_exception_ptr(BrokenProcessPool(
        "A process in the process pool was terminated abruptly while the future was running or "
        "pending. (" +
        details + ")"));
}

std::string what_it_did(const PoolWorker& worker) {
    if (worker.calls.empty()) {
        return worker.stage == PoolWorker::Stage::starting
                   ? "before its first call, in its initializer or before main() called "
                     "process_worker()"
                   : "between two calls";
    }
    try {
        return "in a call of " + describe_code(code_address_of(worker.calls.front().code));
    } catch (const std::invalid_argument&) {  // what it calls was unloaded here meanwhile
        return "in a call";
    }
}

int milliseconds_until(steady_clock::time_point time) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - steady_clock::now());
    return left.count() <= 0 ? 0 : static_cast<int>(left.count());
}

}  // namespace

void ProcessPool::manage() noexcept {
    Lock lock(mutex_);
    for (;;) {
        try {
            if (!manage_once(lock)) {
                is_managed_ = false;
                return;
            }
        } catch (...) {
            if (!lock.owns_lock()) {
                lock.lock();
            }
            break_pool(lock, std::current_exception());
        }
    }
}

// False when there is nothing left to manage, and will be nothing.
bool ProcessPool::manage_once(Lock& lock) {
    if ((is_stopping_ || is_broken_) && waiting_.empty() && workers_.empty()) {
        return false;
    }
    if (needs_worker(lock)) {
        start_worker(lock);
    }
    wait_for_events(lock);
    if (kill_time_ && steady_clock::now() >= *kill_time_) {
        kill_time_.reset();
        for (const PoolWorker& worker : workers_) {
            worker.process().signal(SIGKILL);
        }
    }
    return true;
}

// One without a pidfd has ended.
void ProcessPool::begin_to_watch(PoolWorker& worker) {
    epoll_event ended{.events = EPOLLIN, .data = {.u64 = socket_source(worker) | pidfd_bit}};
    epoll_event heard{.events = EPOLLIN, .data = {.u64 = socket_source(worker)}};
    worker.has_ended = worker.process().pidfd() < 0;
    if ((!worker.has_ended &&
         ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, worker.process().pidfd(), &ended) != 0) ||
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, worker.socket(), &heard) != 0) {
        throw std::system_error(errno, std::system_category(), "a process pool, epoll_ctl");
    }
    worker.watched = std::uint32_t{heard.events};
}

// Those that are there do the work of one that cannot be started.
void ProcessPool::start_worker(Lock& lock) {
    lock.unlock();
    Workers started;
    std::exception_ptr refusal;
    try {
        started.emplace_back(initializer_, max_message_size_);
        begin_to_watch(started.front());
    } catch (const std::system_error&) {
        refusal = std::current_exception();
        started.clear();
    }
    lock.lock();
    if (!started.empty() && end_signal_ != 0) {
        started.front().process().signal(end_signal_);
    }
    workers_.splice(workers_.end(), started);
    if (refusal) {
        is_start_refused_ = true;
        if (workers_.empty()) {
            std::list<SubmittedCall> failed;
            take_waiting(lock, failed);
            fail(lock, failed, refusal);
        }
    }
}

void ProcessPool::wait_for_events(Lock& lock) {
    std::array<epoll_event, 32> events;
    const int timeout = needs_worker(lock) ? 0 : kill_time_ ? milliseconds_until(*kill_time_) : -1;
    lock.unlock();
    const int count =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout);
    const int error = count < 0 ? errno : 0;
    lock.lock();
    if (error != 0 && error != EINTR) {
        throw std::system_error(error, std::system_category(), "a process pool, epoll_wait");
    }
    for (int each = 0; each < count; ++each) {
        const epoll_event& event = events[static_cast<std::size_t>(each)];
        on_event(lock, event.data.u64, event.events);
    }
    look_after_workers(lock);
}

void ProcessPool::on_event(Lock& lock, std::uint64_t source, std::uint32_t events) {
    if (source == wakeup_source) {
        std::uint64_t count = 0;
        static_cast<void>(!::read(wakeup_.get(), &count, sizeof(count)));
        return;
    }
    PoolWorker& worker = *reinterpret_cast<PoolWorker*>(source & ~pidfd_bit);
    if ((source & pidfd_bit) != 0) {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, worker.process().pidfd(), nullptr);
        worker.has_ended = true;
        if (worker.is_waited_for) {
            worker.end_receiving();
        }
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        worker.send_more();
    }
    worker.is_lost = worker.is_lost || (events & EPOLLHUP) != 0;
    if (worker.is_lost) {  // its end, which the pidfd tells, too
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, worker.socket(), nullptr);
        worker.watched.reset();
    }
    if ((events & EPOLLIN) != 0 && !worker.is_listened_to) {
        listen_to(lock, worker);
    }
    watch(lock, worker);
}

// What a worker has sent before its end counts. One that somebody waits for is left until he is
// told.
void ProcessPool::look_after_workers(Lock& lock) {
    for (auto each = workers_.begin(); each != workers_.end();) {
        const auto worker = each++;
        if ((worker->has_ended || worker->is_unread) && !worker->is_listened_to) {
            worker->is_unread = false;
            listen_to(lock, *worker);
            if (worker->has_ended) {
                on_end(lock, worker);
            }
        }
    }
}

void ProcessPool::listen_to(Lock& lock, PoolWorker& worker) {
    worker.is_listened_to = true;
    worker.begin_receiving();
    const ScopeExit stop([&] { end_listening(lock, worker); });
    std::optional<Answer> answer;
    while (receive(lock, worker, PoolWorker::now_only, answer)) {
        if (answer) {
            lock.unlock();
            answer->deliver();
            answer.reset();
            lock.lock();
        }
    }
}

void ProcessPool::end_listening(const Lock&, PoolWorker& worker) noexcept {
    worker.is_listened_to = false;
    worker.is_lost = worker.is_lost || worker.is_at_end();
    if (worker.is_lost && worker.stage != PoolWorker::Stage::retired) {
        worker.process().signal(SIGKILL);  // it has ended, or nobody can talk to it any more
    }
}

// Locked again also when it throws.
bool ProcessPool::receive(Lock& lock, PoolWorker& worker, steady_clock::time_point deadline,
                          std::optional<Answer>& answer) {
    try {
        lock.unlock();
        const std::optional<Frame> frame = worker.receive(deadline);
        lock.lock();
        if (frame) {
            answer = on_frame(lock, worker, *frame);
        }
        return frame.has_value();
    } catch (const concurrent::ArchiveError& error) {
        if (!lock.owns_lock()) {
            lock.lock();
        }
        worker.refuse(error.what());
        return false;
    } catch (...) {
        if (!lock.owns_lock()) {
            lock.lock();
        }
        throw;
    }
}

std::optional<ProcessPool::Answer> ProcessPool::on_frame(Lock& lock, PoolWorker& worker,
                                                         const Frame& frame) {
    const bool is_answer =
        frame.header.kind == FrameKind::result || frame.header.kind == FrameKind::exception;
    if (is_answer && !worker.calls.empty() && worker.calls.front().id == frame.header.id) {
        return on_answer(lock, worker, frame);
    }
    if (frame.header.kind == FrameKind::ready && worker.stage == PoolWorker::Stage::starting) {
        worker.stage = PoolWorker::Stage::serving;
        std::list<SubmittedCall> dropped;
        hand_out(lock, dropped);
        retire_if_done(lock, worker);
        destroy(lock, dropped);
    } else if (frame.header.kind == FrameKind::refused &&
               worker.stage == PoolWorker::Stage::starting) {
        concurrent::ArchiveIn in(frame.body);
        const std::exception_ptr exception = read_exception(in);
        lock.unlock();
        report(nullptr, "Exception in initializer:", exception, [&] {
            return ExceptionContext{
                .message = "Exception in initializer:", .exception = exception, .details = {}};
        });
        lock.lock();
        break_pool(lock,
                   abruptly_terminated("its initializer threw " + describe_exception(exception)));
    } else {
        throw concurrent::ArchiveError("what came is no answer to a call of a process pool");
    }
    return std::nullopt;
}

// The worker gets its next call before anybody hears of the last one.
ProcessPool::Answer ProcessPool::on_answer(const Lock& lock, PoolWorker& worker,
                                           const Frame& frame) {
    Answer answer{.call = {}, .dropped = {}, .kind = frame.header.kind, .body = {}};
    answer.body = worker.take_body(frame);
    answer.call.splice(answer.call.begin(), worker.calls, worker.calls.begin());
    const auto now = steady_clock::now();
    const bool was_short = now - worker.begun < short_call;
    worker.begun = now;
    hand_out(lock, answer.dropped);
    if (was_short) {
        give_second(lock, worker, answer.dropped);
    }
    retire_if_done(lock, worker);
    return answer;
}

void ProcessPool::Answer::deliver() noexcept {
    PendingCall& pending = *call.front().pending;
    if (kind == FrameKind::result) {
        pending.set_result(body.view());
    } else {
        try {
            concurrent::ArchiveIn in(body.view());
            pending.set_exception(read_exception(in));
        } catch (...) {
            pending.set_exception(std::current_exception());
        }
    }
    call.clear();
    dropped.clear();
}

void ProcessPool::on_end(Lock& lock, Workers::iterator worker) {
    Workers ended;
    ended.splice(ended.begin(), workers_, worker);
    is_start_refused_ = false;
    const std::string how = worker->process().reap();
    if (is_broken_ || (worker->stage == PoolWorker::Stage::retired && worker->calls.empty())) {
        return;
    }
    if (worker->is_killed) {
        destroy(lock, worker->calls);
        return;
    }
    const std::string complaint = worker->refusal().empty() ? "" : ": " + worker->refusal();
    const std::exception_ptr reason =
        abruptly_terminated(fmt::format("process {} ended with {}, {}{}", worker->process().pid(),
                                        how, what_it_did(*worker), complaint));
    if (on_worker_death_ == OnWorkerDeath::fail_task &&
        worker->stage != PoolWorker::Stage::starting) {
        fail(lock, worker->calls, reason);
        return;
    }
    break_pool(lock, reason, std::move(worker->calls));
}

void ProcessPool::break_pool(Lock& lock, const std::exception_ptr& reason,
                             std::list<SubmittedCall> failed) {
    is_broken_ = true;
    kill_time_ = steady_clock::now() + patience_after_sigterm;
    for (PoolWorker& worker : workers_) {
        failed.splice(failed.end(), worker.calls);
        worker.process().signal(SIGTERM);
        if (worker.is_waited_for) {
            worker.end_receiving();
        }
    }
    take_waiting(lock, failed);
    fail(lock, failed, reason);
}

void ProcessPool::take_waiting(const Lock&, std::list<SubmittedCall>& taken) {
    while (!waiting_.empty()) {
        taken.push_back(std::move(waiting_.begin()->second));
        waiting_.erase(waiting_.begin());
    }
}

void ProcessPool::fail(Lock& lock, std::list<SubmittedCall>& calls,
                       const std::exception_ptr& reason) {
    std::list<SubmittedCall> failed;
    failed.swap(calls);
    lock.unlock();
    for (SubmittedCall& call : failed) {
        if (call.has_begun || call.pending->begin()) {
            call.pending->set_exception(reason);
        }
    }
    failed.clear();
    lock.lock();
}

void ProcessPool::destroy(Lock& lock, std::list<SubmittedCall>& calls) {
    std::list<SubmittedCall> destroyed;
    destroyed.swap(calls);
    lock.unlock();
    destroyed.clear();
    lock.lock();
}

}  // namespace ringio::detail

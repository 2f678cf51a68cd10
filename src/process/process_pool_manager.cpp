// What the manager of a ProcessPool does.
#include "process_pool.hpp"

#include <ringio/core/exceptions.hpp>
#include <ringio/core/report.hpp>

#include "code_address.hpp"
#include "remote_exception.hpp"

#include <fmt/core.h>

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace ringio::detail {
namespace {

using std::chrono::steady_clock;

using concurrent::BrokenProcessPool;
using concurrent::OnWorkerDeath;

constexpr auto short_call = std::chrono::milliseconds(1);
constexpr auto patience_after_sigterm = std::chrono::seconds(5);

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
            worker.signal(SIGKILL);
        }
    }
    return true;
}

// Those that are there do the work of one that cannot be started.
void ProcessPool::start_worker(Lock& lock) {
    lock.unlock();
    Workers started;
    std::exception_ptr refusal;
    try {
        started.emplace_back(initializer_, max_message_size_);
    } catch (const std::system_error&) {
        refusal = std::current_exception();
    }
    lock.lock();
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
    polled_.clear();
    polled_.push_back({.fd = wakeup_.get(), .events = POLLIN, .revents = 0});
    for (const PoolWorker& worker : workers_) {
        const auto events =
            static_cast<short>(worker.has_more_to_send() ? POLLIN | POLLOUT : POLLIN);
        polled_.push_back(
            {.fd = worker.is_at_end() ? -1 : worker.socket(), .events = events, .revents = 0});
        polled_.push_back({.fd = worker.pidfd(), .events = POLLIN, .revents = 0});
    }
    const int timeout = needs_worker(lock) ? 0 : kill_time_ ? milliseconds_until(*kill_time_) : -1;
    lock.unlock();
    const int ready = ::poll(polled_.data(), polled_.size(), timeout);
    const int error = ready < 0 ? errno : 0;
    std::uint64_t count = 0;
    if (ready > 0 && polled_[0].revents != 0) {
        static_cast<void>(!::read(wakeup_.get(), &count, sizeof(count)));
    }
    lock.lock();
    if (error != 0 && error != EINTR) {
        throw std::system_error(error, std::system_category(), "a process pool, poll");
    }
    std::size_t place = 1;
    for (auto each = workers_.begin(); ready > 0 && each != workers_.end(); place += 2) {
        const auto worker = each++;
        if ((polled_[place].revents & POLLOUT) != 0) {
            worker->send_more();
        }
        const bool has_ended = polled_[place + 1].revents != 0 || worker->pidfd() < 0;
        if (has_ended || (polled_[place].revents & ~POLLOUT) != 0) {
            listen_to(lock, *worker);  // what it has sent before its end counts
        }
        if (has_ended) {
            on_end(lock, worker);
        }
    }
}

void ProcessPool::listen_to(Lock& lock, PoolWorker& worker) {
    try {
        for (;;) {
            lock.unlock();
            const std::optional<Frame> frame = worker.receive();
            lock.lock();
            if (!frame) {
                break;
            }
            on_frame(lock, worker, *frame);
        }
    } catch (const concurrent::ArchiveError& error) {
        if (!lock.owns_lock()) {
            lock.lock();
        }
        worker.refuse(error.what());
    }
    if (worker.is_at_end() && worker.stage != PoolWorker::Stage::retired) {
        worker.signal(SIGKILL);  // it has ended, or nobody can talk to it any more
    }
}

void ProcessPool::on_frame(Lock& lock, PoolWorker& worker, const Frame& frame) {
    const bool is_answer =
        frame.header.kind == FrameKind::result || frame.header.kind == FrameKind::exception;
    if (is_answer && !worker.calls.empty() && worker.calls.front().id == frame.header.id) {
        on_answer(lock, worker, frame);
    } else if (frame.header.kind == FrameKind::ready &&
               worker.stage == PoolWorker::Stage::starting) {
        worker.stage = PoolWorker::Stage::serving;
        std::list<SubmittedCall> dropped;
        hand_out(lock, dropped);
        retire_if_done(lock, worker);
        destroy(lock, dropped);
    } else if (frame.header.kind == FrameKind::refused &&
               worker.stage == PoolWorker::Stage::starting) {
        concurrent::ArchiveIn in(frame.body.view());
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
}

// The worker gets its next call before anybody hears of the last one.
void ProcessPool::on_answer(Lock& lock, PoolWorker& worker, const Frame& frame) {
    std::list<SubmittedCall> dropped;
    std::list<SubmittedCall> answered;
    answered.splice(answered.begin(), worker.calls, worker.calls.begin());
    const auto now = steady_clock::now();
    are_calls_short_ = now - worker.begun < short_call;
    worker.begun = now;
    hand_out(lock, dropped);
    retire_if_done(lock, worker);
    lock.unlock();
    PendingCall& pending = *answered.front().pending;
    if (frame.header.kind == FrameKind::result) {
        pending.set_result(frame.body.view());
    } else {
        try {
            concurrent::ArchiveIn in(frame.body.view());
            pending.set_exception(read_exception(in));
        } catch (...) {
            pending.set_exception(std::current_exception());
        }
    }
    answered.clear();
    dropped.clear();
    lock.lock();
}

void ProcessPool::on_end(Lock& lock, Workers::iterator worker) {
    Workers ended;
    ended.splice(ended.begin(), workers_, worker);
    is_start_refused_ = false;
    const std::string how = worker->reap();
    if (is_broken_ || (worker->stage == PoolWorker::Stage::retired && worker->calls.empty())) {
        return;
    }
    if (worker->is_killed) {
        destroy(lock, worker->calls);
        return;
    }
    const std::string complaint = worker->refusal().empty() ? "" : ": " + worker->refusal();
    const std::exception_ptr reason = abruptly_terminated(fmt::format(
        "process {} ended with {}, {}{}", worker->pid(), how, what_it_did(*worker), complaint));
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
        worker.signal(SIGTERM);
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
        if (call.message.empty() || call.pending->begin()) {
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

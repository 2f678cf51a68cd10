#include <ringio/core/event_loop.hpp>

#include <ringio/base/scope_exit.hpp>
#include <ringio/core/repr.hpp>
#include <ringio/core/task_state.hpp>
#include <ringio/ring/uring_kernel.hpp>
#include "loop_services.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

namespace ringio {
namespace {

bool debug_from_environment() {
    const char* value = std::getenv("RINGIO_DEBUG");
    return value != nullptr && *value != '\0' && std::strcmp(value, "0") != 0;
}

std::unique_ptr<Kernel> make_uring_kernel(unsigned entries) {
    return std::make_unique<UringKernel>(UringOptions{.entries = entries});
}

}  // namespace

void detail::LoopAnchor::retire(LoopAnchor* anchor) noexcept { delete anchor; }

void detail::throw_no_running_loop() { throw std::runtime_error("no running event loop"); }

EventLoop::EventLoop(const LoopOptions& options)
    : virtual_time_(options.virtual_time),
      services_(std::make_shared<detail::LoopServices>(options)),
      anchor_(new detail::LoopAnchor) {
    if (options.ring_entries == 0) {
        intrusive_release(anchor_);
        throw std::invalid_argument("LoopOptions::ring_entries is 0; the ring needs at least 1");
    }
    anchor_->loop = this;
    detail::leave_loop_at_fork();
    set_debug(options.debug.value_or(debug_from_environment()));
}

EventLoop::~EventLoop() {
    RINGIO_ASSERT(!is_running() || is_inherited(), "an event loop is destroyed while it runs");
    if (!closed_) {
        if (is_inherited() || leave_ring_behind()) {
            close();
        } else {
            forsake();
        }
    }
    intrusive_release(anchor_);
}

RINGIO_FLATTEN void EventLoop::run_once() {
    const std::chrono::nanoseconds sleep = work_out_sleep();
    enter_kernel(sleep);
    ring_->reap();
    if (!timers_.empty()) {
        timers_.expire(time(), ready_);
    }
    take_threadsafe_calls();
    run_ready();
    if (!turn_ends_.empty()) {
        end_turn();
    }
}

std::chrono::nanoseconds EventLoop::work_out_idle_sleep() {
    const bool watched = virtual_time_ || (get_debug() && awaits_completion_);
    // What was submitted and not handed over yet may be complete once it is.
    if (watched && ring_->has_work()) {
        return {};
    }
    if (watched && only_timers_can_wake()) {
        if (!timers_.empty() && virtual_time_) {
            virtual_now_ = std::max(virtual_now_, timers_.next_deadline());
            return {};
        }
        if (timers_.empty() && awaits_completion_) {
            report_deadlock();
        }
    }
    // Memory of frames that nobody needs is given back before a long sleep, or in between.
    const std::chrono::nanoseconds longest =
        detail::frame_pool.has_surplus() && !virtual_time_ ? detail::frame_pool.tend() : until_news;
    if (timers_.empty()) {
        return longest;
    }
    const TimePoint now = time();
    const TimePoint deadline = timers_.next_deadline();
    return deadline <= now ? std::chrono::nanoseconds(0)
                           : std::min<std::chrono::nanoseconds>(deadline - now, longest);
}

void EventLoop::sleep_in_kernel(std::chrono::nanoseconds sleep) {
    const TimePoint slept_from = virtual_time_ ? Clock::now() : TimePoint{};
    // A thread that posts from here on writes to the wake descriptor.
    const bool quiet = services_->fall_asleep();
    ring_->enter(quiet, sleep == until_news ? std::nullopt : std::optional(sleep));
    services_->wake_up();
    if (virtual_time_) {
        advance_virtual_time(sleep, slept_from);
    }
}

// While kernel operations are in flight, virtual time passes as time really does.
void EventLoop::advance_virtual_time(std::chrono::nanoseconds sleep,
                                     TimePoint slept_from) noexcept {
    virtual_now_ += std::min<std::chrono::nanoseconds>(Clock::now() - slept_from, sleep);
}

void EventLoop::take_threadsafe_calls() {
    if (services_->has_news()) [[unlikely]] {
        take_news();
    }
}

void EventLoop::take_news() {
    services_->check_wake();
    ready_.append(services_->take_calls());
    if (services_->take_interrupt()) {
        services_->on_interrupt();
        if (escaped_) {
            throw_escaped();
        }
    }
}

void EventLoop::throw_escaped() {
    RINGIO_ASSERT(!is_inherited(), OwnProcess::refusal);
    std::rethrow_exception(std::exchange(escaped_, nullptr));
}

void EventLoop::run_ready() {
    turn_.begin_next();
    if (ready_.empty()) {
        return;
    }
    if (looks_around_) [[unlikely]] {
        look_around();
        if (is_watched()) {
            run_ready_watched();
            return;
        }
    }
    const Runnable* const last = ready_.back();  // of the snapshot
    const Runnable* done = nullptr;
    while (done != last) {
        Runnable* const runnable = ready_.pop_front();
        done = runnable;
        if (done != last) {
            prefetch(*ready_.front());
        }
        runnable->run();
        if (escaped_) [[unlikely]] {
            throw_escaped();
        }
    }
}

void EventLoop::end_turn() noexcept {
    while (TurnEnd* const end = turn_ends_.pop_front()) {
        end->end_turn();
    }
}

void EventLoop::check_may_run() const {
    if (!closed_ && is_inherited()) {  // whatever thread a loop that the parent ran seems to be on
        throw std::runtime_error(OwnProcess::refusal);
    }
    check_call();
    if (is_running()) {
        throw std::runtime_error("This event loop is already running");
    }
    if (detail::running_loop != nullptr) {
        throw std::runtime_error("Cannot run the event loop while another loop is running");
    }
    if (ring_ && !ring_->is_here()) {
        throw std::runtime_error("This event loop ran on another thread, and must go on there");
    }
}

void EventLoop::prepare_to_run() {
    check_may_run();
    start_ring();
}

void EventLoop::run_forever() {
    prepare_to_run();
    ring_->begin_use();
    detail::frame_pool.set_alarm(&looks_around_);
    running_.store(true, std::memory_order_relaxed);
    detail::running_loop = this;
    const ScopeExit leave([this] {
        stopping_ = false;
        running_.store(false, std::memory_order_relaxed);
        detail::running_loop = nullptr;
        Ring::end_use();
        detail::frame_pool.set_alarm(nullptr);
    });
    end_turn();  // what was asked for while the loop did not run, or a turn that an exception left
    do {
        run_once();
    } while (!stopping_);
}

void EventLoop::start_ring() {
    if (!ring_) {
        const unsigned entries = services_->options.ring_entries;
        ring_ = std::make_unique<Ring>(services_->options.kernel != nullptr
                                           ? services_->options.kernel(entries)
                                           : make_uring_kernel(entries));
    }
    services_->arm_wake(*ring_);
}

void EventLoop::run_until_done(detail::FutureStateBase& future) {
    check_may_run();
    // The loop is stopped by a done callback: what else is ready in that turn still runs. One that
    // is still queued when this run ends otherwise must not stop a later run.
    const auto waiting = std::make_shared<bool>(true);
    const std::uint64_t stop_id = future.add_done_callback(
        [this, waiting](detail::FutureStateBase&) {
            if (*waiting) {
                stop();
            }
        },
        std::source_location::current());
    const bool outer = std::exchange(awaits_completion_, true);
    const ScopeExit leave([&] {
        *waiting = false;
        awaits_completion_ = outer;
        future.remove_done_callback(stop_id);
    });
    run_forever();
    if (!future.done()) {
        throw std::runtime_error("Event loop stopped before Future completed.");
    }
}

void EventLoop::throw_no_ring() const {
    check_call();
    throw std::runtime_error("the event loop has not run yet: it has no ring");
}

bool EventLoop::only_timers_can_wake() const noexcept {
    return ring_->in_flight() == (services_->wake_armed() ? 1u : 0u) && !ring_->has_work() &&
           services_->nobody_will_post();
}

// The callback is moved before the checks: that is the user's code.
Handle EventLoop::call_soon(Callback callback) {
    IntrusivePtr<detail::HandleState> state(new detail::HandleState(*this, std::move(callback)));
    check_call();
    intrusive_add_ref(state.get());  // the queue's
    schedule(*state);
    return Handle(std::move(state));
}

TimerHandle EventLoop::call_later(Delay delay, Callback callback) {
    return call_at(saturating_add(time(), delay), std::move(callback));
}

TimerHandle EventLoop::call_at(TimePoint when, Callback callback) {
    IntrusivePtr<detail::TimerHandleState> state(
        new detail::TimerHandleState(*this, std::move(callback), when));
    check_call();
    arm(*state, when);
    intrusive_add_ref(state.get());  // the heap's
    return TimerHandle(std::move(state));
}

void EventLoop::throw_closed() { throw std::runtime_error("Event loop is closed"); }

void EventLoop::add_task(detail::TaskStateBase& task) noexcept {
    intrusive_add_ref(&task);
    services_->tasks.push_back(task);
    ++services_->task_count;
}

void EventLoop::remove_task(detail::TaskStateBase& task) noexcept {
    task.unlink();
    --services_->task_count;
    intrusive_release(&task);
}

std::vector<detail::TaskStateBase*> EventLoop::pending_tasks() const {
    std::vector<detail::TaskStateBase*> tasks;
    for (detail::TaskStateBase& task : services_->tasks) {
        tasks.push_back(&task);
    }
    return tasks;
}

LoopStatistics EventLoop::statistics() const noexcept {
    LoopStatistics statistics;
    statistics.tasks = services_->task_count;
    statistics.timers = timers_.size();
    if (ring_) {
        statistics.operations = ring_->in_flight() - (services_->wake_armed() ? 1u : 0u);
        statistics.buffers = ring_->borrowed_buffers();
    }
    return statistics;
}

}  // namespace ringio

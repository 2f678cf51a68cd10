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

// Other kernels than io_uring have no entry that many sends could share; and virtual time is for
// runs that are the same everywhere.
bool sends_together(const LoopOptions& options) {
    if (options.send_together) {
        return *options.send_together;
    }
    if (const char* const value = std::getenv("RINGIO_SEND_TOGETHER")) {
        return std::strcmp(value, "0") != 0;
    }
    return options.kernel == nullptr && !options.virtual_time &&
           detail::SendRule::measure_whether_calls_are_dear();
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
    send_rule_.set_calls_are_dear(sends_together(options));
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

// One block and one context for all steps: what is between them changes it as it needs.
RINGIO_FLATTEN void EventLoop::run_turns() {
    detail::EnterContext inside;
    const ScopeExit leave([this, outer = std::exchange(detail::next_transfer, &next_transfer_)] {
        detail::next_transfer = outer;
        current_task_ = nullptr;
    });
    do {
        turn_.begin_next();
        if (has_only_ready() || begin_turn(inside)) {
            run_ready(inside);
        }
        if (!turn_ends_.empty()) {
            leave_step(inside);
            end_turn();
        }
    } while (!stopping_);
}

// Most turns of a busy loop are nothing but steps: they pay for these few looks at memory.
bool EventLoop::has_only_ready() const noexcept {
    return !(static_cast<unsigned>(stopping_) | static_cast<unsigned>(looks_around_) |
             static_cast<unsigned>(ready_.empty()) | static_cast<unsigned>(!timers_.empty()) |
             static_cast<unsigned>(services_->mailbox.has_news()) | ring_->signs());
}

// Does all that comes before the steps of a turn. False: there are none, or it made them itself.
RINGIO_FLATTEN bool EventLoop::begin_turn(detail::EnterContext& inside) {
    leave_step(inside);
    const bool busy = !ready_.empty() || stopping_;
    if (busy ? ring_->enter(false) : sleep_in_kernel()) {
        ring_->reap();
    }
    if (!timers_.empty()) {
        expire_timers();
    }
    if (services_->mailbox.has_news()) {
        take_posted();
    }
    if (looks_around_) {
        look_around();
        if (watched_) {
            run_ready_watched();
            return false;
        }
    }
    return !ready_.empty();
}

void EventLoop::leave_step(detail::EnterContext& inside) noexcept {
    current_task_ = nullptr;
    inside.change_back();
}

void EventLoop::expire_timers() noexcept {
    if (virtual_time_) {
        timers_.expire(virtual_now_, ready_);
        return;
    }
    if (clock_gate_.is_shut(timers_.next_deadline())) {
        return;
    }
    const TimePoint now = Clock::now();
    timers_.expire(now, ready_);
    if (!timers_.empty()) {
        clock_gate_.shut(now, timers_.next_deadline());
    }
}

// Until there is news, but not beyond the next deadline.
bool EventLoop::sleep_in_kernel() {
    const std::chrono::nanoseconds sleep = work_out_sleep();
    if (sleep.count() == 0) {
        return ring_->enter(false);
    }
    const TimePoint slept_from = virtual_time_ ? Clock::now() : TimePoint{};
    // A thread that posts from here on writes to the wake descriptor.
    const bool quiet = services_->mailbox.fall_asleep();
    const bool has_news =
        ring_->enter(quiet, sleep == until_news ? std::nullopt : std::optional(sleep));
    services_->mailbox.wake_up();
    if (virtual_time_) {
        advance_virtual_time(sleep, slept_from);
    }
    return has_news;
}

std::chrono::nanoseconds EventLoop::work_out_sleep() {
    if (virtual_time_ || get_debug()) [[unlikely]] {
        if (const auto sleep = work_out_watched_sleep()) {
            return *sleep;
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

// What virtual time and the search for deadlocks have to say; nothing: as always.
std::optional<std::chrono::nanoseconds> EventLoop::work_out_watched_sleep() {
    if (!virtual_time_ && !awaits_completion_) {
        return std::nullopt;
    }
    // What was submitted and not handed over yet may be complete once it is.
    if (ring_->has_work()) {
        return std::chrono::nanoseconds(0);
    }
    if (only_timers_can_wake()) {
        if (!timers_.empty() && virtual_time_) {
            virtual_now_ = std::max(virtual_now_, timers_.next_deadline());
            return std::chrono::nanoseconds(0);
        }
        if (timers_.empty() && awaits_completion_) {
            report_deadlock();
        }
    }
    return std::nullopt;
}

// While kernel operations are in flight, virtual time passes as time really does.
void EventLoop::advance_virtual_time(std::chrono::nanoseconds sleep,
                                     TimePoint slept_from) noexcept {
    virtual_now_ += std::min<std::chrono::nanoseconds>(Clock::now() - slept_from, sleep);
}

void EventLoop::take_posted() {
    services_->mailbox.check_wake();
    ready_.append(services_->mailbox.take_calls());
    if (services_->mailbox.take_interrupt()) {
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

void EventLoop::run_ready(detail::EnterContext& inside) {
    const Runnable* const last = ready_.back();  // of the snapshot
    const Runnable* done = nullptr;
    do {
        Runnable* const runnable = ready_.pop_front();
        done = runnable;
        if (done != last) {
            prefetch(*ready_.front());
        }
        if (runnable->is_task()) {
            static_cast<detail::TaskStateBase*>(runnable)->step(*this, inside);
        } else {
            leave_step(inside);
            runnable->run();
        }
        if (escaped_) [[unlikely]] {
            throw_escaped();
        }
    } while (done != last);
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
    run_turns();
}

void EventLoop::start_ring() {
    if (!ring_) {
        const unsigned entries = services_->options.ring_entries;
        ring_ = std::make_unique<Ring>(services_->options.kernel != nullptr
                                           ? services_->options.kernel(entries)
                                           : make_uring_kernel(entries));
    }
    services_->mailbox.arm_wake(*ring_);
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
    return ring_->in_flight() == (services_->mailbox.wake_armed() ? 1u : 0u) &&
           !ring_->has_work() && services_->mailbox.nobody_will_post();
}

// The callback is moved before the checks: that is the user's code.
Handle EventLoop::call_soon(Callback callback) {
    IntrusivePtr<detail::HandleState> state(new detail::HandleState(*this, std::move(callback)));
    check_call();
    intrusive_add_ref(state.get());  // the queue's
    schedule_here(*state);
    return Handle(std::move(state));
}

TimerHandle EventLoop::call_later(Delay delay, Callback callback) {
    return arm_call(saturating_add(time(), delay), std::move(callback));
}

TimerHandle EventLoop::call_at(TimePoint when, Callback callback) {
    return arm_call(when, std::move(callback));
}

TimerHandle EventLoop::arm_call(TimePoint when, Callback&& callback) {
    IntrusivePtr<detail::TimerHandleState> state(
        new detail::TimerHandleState(*this, std::move(callback), when));
    check_call();
    arm(*state, when);
    intrusive_add_ref(state.get());  // the heap's
    return TimerHandle(std::move(state));
}

void EventLoop::throw_closed() { throw std::runtime_error("Event loop is closed"); }

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
        statistics.operations = ring_->in_flight() - (services_->mailbox.wake_armed() ? 1u : 0u);
        statistics.buffers = ring_->borrowed_buffers();
    }
    return statistics;
}

}  // namespace ringio

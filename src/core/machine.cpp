#include <ringio/core/machine.hpp>

#include <ringio/base/scope_exit.hpp>
#include <ringio/core/dump_signal.hpp>
#include <ringio/core/loop_books.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace ringio::detail {
namespace {

// Virtual time is for runs that are the same everywhere.
bool sends_together(const LoopOptions& options, const Kernel& kernel) {
    if (options.send_together) {
        return *options.send_together;
    }
    if (const char* const value = std::getenv("RINGIO_SEND_TOGETHER")) {
        return std::strcmp(value, "0") != 0;
    }
    return kernel.shares_calls() && !options.virtual_time &&
           SendRule::measure_whether_calls_are_dear();
}

}  // namespace

void LoopAnchor::retire(LoopAnchor* anchor) noexcept { delete anchor; }

Machine::Machine(EventLoop& owner, const LoopOptions& options)
    : virtual_time_(options.virtual_time),
      books_(std::make_shared<LoopBooks>(options)),
      anchor_(new LoopAnchor, adopt) {
    if (options.ring_entries == 0) {
        throw std::invalid_argument("LoopOptions::ring_entries is 0; the ring needs at least 1");
    }
    anchor_->loop = &owner;
    leave_loop_at_fork();
}

Machine::~Machine() = default;

void Machine::run() {
    prepare_to_run();
    ring_->begin_use();
    frame_pool.set_alarm(&attention_.looks_around);
    running_.store(true, std::memory_order_relaxed);
    running_loop = anchor_->loop;
    const ScopeExit leave([this] {
        attention_.stopping = false;
        running_.store(false, std::memory_order_relaxed);
        running_loop = nullptr;
        Ring::end_use();
        frame_pool.set_alarm(nullptr);
    });
    end_turn();  // what was asked for while the loop did not run, or a turn that an exception left
    run_turns();
}

// One block and one context for all steps: what is between them changes it as it needs.
RINGIO_FLATTEN void Machine::run_turns() {
    EnterContext inside;
    const ScopeExit leave([this, outer = std::exchange(next_transfer, &next_transfer_)] {
        next_transfer = outer;
        current_task_ = nullptr;
    });
    bool has_steps = begin_turn(inside);
    for (;;) {
        if (has_steps) {
            run_ready(inside);
        }
        if (has_only_ready()) {
            turn_.begin_next();
            has_steps = true;
        } else if (go_on(inside)) {
            has_steps = begin_turn(inside);
        } else {
            return;
        }
    }
}

// Most turns of a busy loop are nothing but steps: they pay for these few looks at memory.
bool Machine::has_only_ready() const noexcept {
    return !attention_.is_wanted() && !ready_.empty() && !books_->mailbox.has_news() &&
           ring_->signs() == 0;
}

// Does what was left for the end of the turn. False: it was the last one.
bool Machine::go_on(EnterContext& inside) {
    if (attention_.turn_ends) {
        leave_step(inside);
        end_turn();
    }
    return !attention_.stopping;
}

// Does all that comes before the steps of a turn. False: there are none, or it made them itself.
RINGIO_FLATTEN bool Machine::begin_turn(EnterContext& inside) {
    turn_.begin_next();
    leave_step(inside);
    const bool busy = !ready_.empty() || attention_.stopping;
    if (busy ? ring_->enter(false) : sleep_in_kernel()) {
        ring_->reap();
    }
    if (attention_.timers) {
        expire_timers();
        attention_.timers = !timers_.empty();
    }
    if (books_->mailbox.has_news()) {
        take_posted();
    }
    if (attention_.looks_around) {
        look_around();
        if (watched_) {
            run_ready_watched();
            return false;
        }
    }
    return !ready_.empty();
}

void Machine::leave_step(EnterContext& inside) noexcept {
    current_task_ = nullptr;
    inside.change_back();
}

void Machine::expire_timers() noexcept {
    if (timers_.empty()) {
        return;
    }
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
bool Machine::sleep_in_kernel() {
    const std::chrono::nanoseconds sleep = work_out_sleep();
    if (sleep.count() == 0) {
        return ring_->enter(false);
    }
    const TimePoint slept_from = virtual_time_ ? Clock::now() : TimePoint{};
    // Who posts from here on calls the waker.
    const bool quiet = books_->mailbox.fall_asleep();
    const bool has_news =
        ring_->enter(quiet, sleep == until_news ? std::nullopt : std::optional(sleep));
    books_->mailbox.wake_up();
    if (virtual_time_) {
        advance_virtual_time(sleep, slept_from);
    }
    return has_news;
}

std::chrono::nanoseconds Machine::work_out_sleep() {
    if (virtual_time_ || is_debug()) [[unlikely]] {
        if (const auto sleep = work_out_watched_sleep()) {
            return *sleep;
        }
    }
    // Memory of frames that nobody needs is given back before a long sleep, or in between.
    const std::chrono::nanoseconds longest =
        frame_pool.has_surplus() && !virtual_time_ ? frame_pool.tend() : until_news;
    if (timers_.empty()) {
        return longest;
    }
    const TimePoint now = this->now();
    const TimePoint deadline = timers_.next_deadline();
    return deadline <= now ? std::chrono::nanoseconds(0)
                           : std::min<std::chrono::nanoseconds>(deadline - now, longest);
}

void Machine::take_posted() {
    ready_.append(books_->mailbox.take_calls());
    if (books_->mailbox.brought_signals()) {
        books_->deliver_signals();
        if (escaped_) {
            throw_escaped();
        }
    }
}

void Machine::throw_escaped() {
    RINGIO_ASSERT(!is_inherited(), OwnProcess::refusal);
    std::rethrow_exception(std::exchange(escaped_, nullptr));
}

void Machine::run_ready(EnterContext& inside) {
    const Runnable* const last = ready_.back();  // of the snapshot
    const Runnable* done = nullptr;
    do {
        Runnable& runnable = ready_.take_front();
        done = &runnable;
        if (done != last) {
            prefetch(*ready_.front());
        }
        if (runnable.is_task()) {
            static_cast<TaskStateBase&>(runnable).step(*this, inside);
        } else {
            leave_step(inside);
            runnable.run();
        }
        if (escaped_) [[unlikely]] {
            throw_escaped();
        }
    } while (done != last);
}

void Machine::end_turn() noexcept {
    attention_.turn_ends = false;
    while (TurnEnd* const end = turn_ends_.pop_front()) {
        end->end_turn();
    }
}

void Machine::check_may_run() const {
    if (!closed_ && is_inherited()) {  // whatever thread a loop that the parent ran seems to be on
        throw std::runtime_error(OwnProcess::refusal);
    }
    check_call();
    if (is_running()) {
        throw std::runtime_error("This event loop is already running");
    }
    if (running_loop != nullptr) {
        throw std::runtime_error("Cannot run the event loop while another loop is running");
    }
    if (ring_ && !ring_->is_here()) {
        throw std::runtime_error("This event loop ran on another thread, and must go on there");
    }
}

void Machine::prepare_to_run() {
    check_may_run();
    start_ring();
    if (closed_) {  // by the handler that the remark was told
        throw_closed();
    }
}

void Machine::start_ring() {
    const bool is_new = !ring_;
    if (is_new) {
        KernelSource* const source = books_->options.kernel;
        KernelSource& kernels = source != nullptr ? *source : default_kernel();
        ring_ = std::make_unique<Ring>(kernels.make(books_->options.ring_entries));
        kernel_name_ = ring_->kernel().name();
        send_rule_.set_calls_are_dear(sends_together(books_->options, ring_->kernel()));
        take_over_kernels_time();
    }
    books_->mailbox.set_waker(ring_->accept_wakes());
    if (is_new) {
        take_dump_signal(*anchor_->loop);
        tell_remark();
    }
}

std::string_view Machine::kernel_name() {
    if (!closed_ && !ring_) {
        check_call();
        start_ring();
    }
    return kernel_name_;
}

void Machine::throw_no_ring() const {
    check_call();
    throw std::runtime_error("the event loop has not run yet: it has no ring");
}

void Machine::throw_closed() { throw std::runtime_error("Event loop is closed"); }

void Machine::refuse_call() const {
    if (closed_) {
        throw_closed();
    }
    check_thread_of(this);
}

std::shared_ptr<Mailbox> Machine::mailbox() const noexcept {
    return std::shared_ptr<Mailbox>(books_, &books_->mailbox);
}

bool Machine::is_inherited() const noexcept { return books_->mailbox.is_inherited(); }

LoopStatistics Machine::statistics() const noexcept {
    LoopStatistics statistics;
    statistics.tasks = books_->task_count;
    statistics.timers = timers_.size();
    if (ring_) {
        statistics.operations = ring_->in_flight();
        statistics.buffers = ring_->borrowed_buffers();
    }
    return statistics;
}

}  // namespace ringio::detail

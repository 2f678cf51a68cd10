#include <ringio/tasks/staggered_race.hpp>

#include <ringio/base/scope_exit.hpp>

namespace ringio::detail {

// Only a loop that is closed destroys the race before its racers, which then must not tell it.
StaggeredRace::~StaggeredRace() {
    for (std::size_t index = 0; index < racers_.size(); ++index) {
        racers_[index].remove_done_callback(callbacks_[index]);
    }
}

Task<> StaggeredRace::run() {
    std::exception_ptr cancellation;
    for (;;) {
        if (must_start_next()) {
            start_next();
            continue;
        }
        if (running_ == 0) {
            break;
        }
        try {
            co_await wait_for_change();
        } catch (const CancelledError&) {
            cancellation = std::current_exception();
            cancelled_ = true;
            cancel_all();
        }
    }
    if (cancellation) {
        std::rethrow_exception(cancellation);
    }
}

void StaggeredRace::win(std::size_t index) {
    winner_index = index;
    for (std::size_t other = 0; other < racers_.size(); ++other) {
        if (other != index) {
            racers_[other].cancel();
        }
    }
}

void StaggeredRace::fail(std::size_t index) {
    exceptions[index] = std::current_exception();
    if (current_exception_kind() == ExceptionKind::interrupt) {
        throw;
    }
}

bool StaggeredRace::must_start_next() const {
    if (!has_next() || cancelled_) {
        return false;
    }
    return racers_.empty() || racers_.back().done() ||
           (delay_ && get_running_loop().time() >= next_start_);
}

void StaggeredRace::start_next() {
    EventLoop& loop = get_running_loop();
    const std::size_t index = racers_.size();
    exceptions.emplace_back();
    racers_.push_back(loop.create_task(race(index)));
    ++running_;
    callbacks_.push_back(racers_.back().shared_state()->add_done_callback(
        [this, index](FutureStateBase&) { on_racer_done(index); }, std::source_location::current(),
        &running_task()));
    if (delay_) {
        next_start_ = saturating_add(loop.time(), *delay_);
    }
}

void StaggeredRace::on_racer_done(std::size_t index) {
    --running_;
    if (racers_[index].cancelled()) {  // before its first step
        exceptions[index] = std::make_exception_ptr(CancelledError());
    }
    if (change_ && !change_->done()) {
        change_->set_result();
    }
}

Task<> StaggeredRace::wait_for_change() {
    EventLoop& loop = get_running_loop();
    Promise<> change = loop.create_future<void>();
    change_ = change;
    TimerHandle timer;
    const ScopeExit leave([&] {
        timer.cancel();
        change_.reset();
    });
    if (delay_ && has_next() && !cancelled_) {
        timer = loop.call_at(next_start_, [change]() mutable {
            if (!change.done()) {
                change.set_result();
            }
        });
    }
    Future<> changed = change.get_future();
    co_await changed;
}

void StaggeredRace::cancel_all() {
    for (TaskHandle<>& racer : racers_) {
        racer.cancel();
    }
}

}  // namespace ringio::detail

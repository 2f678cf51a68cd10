#include <ringio/tasks/staggered_race.hpp>

#include <ringio/base/scope_exit.hpp>
#include "lone_wait.hpp"

namespace ringio::detail {

// Only a loop that is closed destroys the race before its racers, which then must not tell it.
StaggeredRace::~StaggeredRace() {
    for (std::size_t index = 0; index < racers_.size(); ++index) {
        racers_[index].remove_done_callback(callbacks_[index]);
    }
}

Task<> StaggeredRace::run() {
    const ScopeExit leave([this] { timer_.cancel(); });
    for (;;) {
        try {
            if (must_start_next()) {
                start_next();
                continue;
            }
            arm_timer();
        } catch (...) {  // no memory, or the loop's task factory
            give_up(std::current_exception());
        }
        if (running_ == 0) {
            break;
        }
        const bool cancelled = co_await WaitAlone{waiting_, "the racers of a staggered_race()"};
        if (cancelled) {
            const CancelOrigin origin(running_task().cancellation());
            give_up(running_task().make_cancelled());
        }
    }
    if (given_up_) {
        std::rethrow_exception(given_up_);
    }
}

void StaggeredRace::win(std::size_t index) {
    winner_index = index;
    const CancelOrigin origin(CancelCause::staggered_race, racers_[index].shared_state().get());
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
    if (!has_next() || given_up_) {
        return false;
    }
    return racers_.empty() || racers_.back().done() ||
           (delay_ && get_running_loop().time() >= next_start_);
}

void StaggeredRace::start_next() {
    EventLoop& loop = get_running_loop();
    const std::size_t index = racers_.size();
    racers_.reserve(size_);
    callbacks_.reserve(size_);
    exceptions.emplace_back();
    TaskHandle<> racer = loop.create_task(race(index));
    static_cast<TaskStateBase&>(*racer.shared_state()).mark_scoped();
    try {
        callbacks_.push_back(racer.shared_state()->add_done_callback(
            [this, index](FutureStateBase&) { on_racer_done(index); },
            std::source_location::current(), &running_task()));
    } catch (...) {
        racer.shared_state()->cancel({});  // nobody would hear of its end
        throw;
    }
    ++running_;
    racers_.push_back(std::move(racer));
    if (delay_) {
        next_start_ = saturating_add(loop.time(), *delay_);
    }
}

void StaggeredRace::on_racer_done(std::size_t index) {
    --running_;
    if (racers_[index].cancelled()) {  // before its first step
        exceptions[index] = std::make_exception_ptr(CancelledError());
    }
    note_change();
}

void StaggeredRace::arm_timer() {
    timer_.cancel();
    if (delay_ && has_next() && !given_up_) {
        timer_ = get_running_loop().call_at(next_start_, [this] { note_change(); });
    }
}

void StaggeredRace::note_change() noexcept {
    if (waiting_ != nullptr) {
        waiting_->end();
    }
}

void StaggeredRace::give_up(std::exception_ptr why) {
    given_up_ = std::move(why);
    timer_.cancel();
    for (TaskHandle<>& racer : racers_) {
        racer.cancel();
    }
}

}  // namespace ringio::detail

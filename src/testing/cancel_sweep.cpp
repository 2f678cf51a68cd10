#include <ringio/testing/cancel_sweep.hpp>

#include <ringio/core/repr.hpp>
#include "scenario_run.hpp"

#include <array>
#include <stdexcept>
#include <utility>

namespace ringio::testing {
namespace {

using ringio::detail::FutureStateBase;
using ringio::detail::TaskStateBase;

constexpr std::array moments_of_a_point = {CancelMoment::before_wait, CancelMoment::while_waiting,
                                           CancelMoment::after_ready, CancelMoment::twice,
                                           CancelMoment::in_cleanup};

struct Plan {
    CancelMoment moment = CancelMoment::never;
    std::size_t point = 0;
    bool victim_is_named = false;  // as the first run has shown
};

/// Watches the steps, and makes the request when the plan says so.
class CancelRun final : public ScenarioRun {
public:
    CancelRun(const CancelSweepOptions& options, const Plan& plan)
        : ScenarioRun(options.loop, options.step_limit), plan_(plan) {}

    void run(const Scenario& scenario) {
        main_ = loop().create_task(scenario(sweep()));
        if (run_until_done(main_)) {
            drain(false);
        }
        victim_was_named_ = sweep().victim().valid();
        look_at_end();
        main_ = AnyTask();
        sweep().forget_victim();
        finish();
    }

    /// Where the victim was suspended.
    const std::vector<std::string>& points() const noexcept { return points_; }
    bool placed() const noexcept { return placed_; }
    bool victim_was_named() const noexcept { return victim_was_named_; }

    void before_step(Runnable& step) override {
        ScenarioRun::before_step(step);
        TaskStateBase* const victim = find_victim();
        if (victim == nullptr || static_cast<Runnable*>(victim) != &step) {
            return;
        }
        stepping_ = victim;
        const std::size_t index = steps_++;  // a step ends at the point of the same number
        if (plan_.moment == CancelMoment::before_start && index == 0) {
            cancel(*victim);
        } else if (plan_.moment == CancelMoment::before_wait && index == plan_.point) {
            requests_before_ = victim->cancelling();
            victim->cancel_at_next_wait();
            expects_wait_ = true;
        } else if (plan_.moment == CancelMoment::after_ready && index == plan_.point + 1) {
            cancel(*victim);
        }
    }

    void after_step() override {
        TaskStateBase* const stepped = std::exchange(stepping_, nullptr);
        if (stepped == nullptr || stepped != find_victim()) {
            return;  // the last case: in this step of the scenario, its victim was named
        }
        TaskStateBase& victim = *stepped;
        if (std::exchange(expects_wait_, false)) {
            placed_ = !victim.done() || victim.cancelling() > requests_before_;
        }
        if (!victim.done()) {
            at_point(victim, steps_ - 1);
        }
    }

private:
    // Null as long as a victim that is to be named was not.
    TaskStateBase* find_victim() {
        const AnyTask& named = sweep().victim();
        if (plan_.moment == CancelMoment::never && named.valid() && !counts_named_) {
            // What was counted until now was the scenario itself.
            counts_named_ = true;
            steps_ = 0;
            points_.clear();
        }
        const AnyTask& victim = named.valid() || plan_.victim_is_named ? named : main_;
        return static_cast<TaskStateBase*>(victim.shared_state().get());
    }

    void at_point(TaskStateBase& victim, std::size_t point) {
        if (plan_.moment == CancelMoment::never) {
            const std::vector<std::source_location> stack = victim.stack();
            points_.push_back(ringio::detail::file_and_line(stack.back()) + " in " +
                              ringio::detail::function_name(stack.back()) + "()");
        } else if (point == plan_.point && plan_.moment == CancelMoment::while_waiting) {
            cancel(victim);
        } else if (point == plan_.point && plan_.moment == CancelMoment::twice) {
            victim.cancel({});
            loop().call_soon([this, task = AnyTask(IntrusivePtr<FutureStateBase>(&victim))] {
                cancel(static_cast<TaskStateBase&>(*task.shared_state()));
            });
        } else if (point == plan_.point && plan_.moment == CancelMoment::in_cleanup) {
            victim.cancel({});
        } else if (point == plan_.point + 1 && plan_.moment == CancelMoment::in_cleanup) {
            cancel(victim);
        }
    }

    void cancel(TaskStateBase& victim) { placed_ = victim.cancel({}); }

    void look_at_end() {
        if (!main_.done()) {
            return;  // noted by run_until_done()
        }
        if (victim_was_named_) {
            if (sweep().victim().done()) {
                sweep().victim().shared_state()->mark_retrieved();
            }
        } else if (plan_.moment != CancelMoment::never) {
            main_.shared_state()->mark_retrieved();
            return;
        }
        if (const std::exception_ptr error = main_.shared_state()->failure()) {
            main_.shared_state()->mark_retrieved();
            add_problem("the scenario ended with " + ringio::detail::describe_exception(error));
        }
    }

    Plan plan_;
    AnyTask main_;
    std::vector<std::string> points_;
    std::size_t steps_ = 0;              // of the victim
    TaskStateBase* stepping_ = nullptr;  // the victim, during its step
    unsigned requests_before_ = 0;
    bool expects_wait_ = false;
    bool counts_named_ = false;
    bool placed_ = false;
    bool victim_was_named_ = false;
};

}  // namespace

/// Makes the runs and keeps the books.
class CancelSweeper {
public:
    CancelSweeper(const Scenario& scenario, const CancelSweepOptions& options)
        : scenario_(scenario), options_(options) {}

    CancelSweepResult sweep() {
        Plan plan;
        run(plan);
        result_.points_ = points_.size();
        if (!result_.failures_.empty()) {
            return std::move(result_);  // of no use to cancel what fails by itself
        }
        plan.victim_is_named = victim_is_named_;
        if (victim_is_named_) {
            plan.moment = CancelMoment::before_start;
            run(plan);
        }
        for (plan.point = 0; plan.point < result_.points_; ++plan.point) {
            for (const CancelMoment moment : moments_of_a_point) {
                plan.moment = moment;
                run(plan);
            }
        }
        return std::move(result_);
    }

private:
    void run(const Plan& plan) {
        CancelRun run(options_, plan);
        run.run(scenario_);
        ++result_.runs_;
        const bool counts = plan.moment == CancelMoment::never;
        if (counts) {
            points_ = run.points();
            victim_is_named_ = run.victim_was_named();
        } else if (!run.placed()) {
            ++result_.unplaced_;
        }
        const bool has_place = !counts && plan.moment != CancelMoment::before_start;
        for (const std::string& problem : run.problems()) {
            result_.failures_.push_back(
                {plan.point, plan.moment, has_place ? points_[plan.point] : "", problem});
        }
    }

    const Scenario& scenario_;
    const CancelSweepOptions& options_;
    CancelSweepResult result_;
    std::vector<std::string> points_;
    bool victim_is_named_ = false;
};

const char* to_string(CancelMoment moment) noexcept {
    switch (moment) {
        case CancelMoment::never:
            return "without a cancel";
        case CancelMoment::before_start:
            return "before the first step";
        case CancelMoment::before_wait:
            return "before the wait";
        case CancelMoment::while_waiting:
            return "while it waits";
        case CancelMoment::after_ready:
            return "after it was woken";
        case CancelMoment::twice:
            return "twice";
        case CancelMoment::in_cleanup:
            break;
    }
    return "again in the cleanup";
}

std::string CancelSweepResult::report() const {
    std::string text;
    for (const CancelSweepFailure& failure : failures_) {
        if (!failure.where.empty()) {
            text += "point " + std::to_string(failure.point) + " (" + failure.where + "), ";
        }
        text += to_string(failure.moment);
        text += ": " + failure.text + "\n";
    }
    return text;
}

std::string CancelSweepResult::summary() const {
    return std::to_string(points_) + " points, " + std::to_string(runs_) + " runs (" +
           std::to_string(unplaced_) + " without a place for the cancel), " +
           std::to_string(failures_.size()) + " failures";
}

CancelSweepResult cancel_sweep(const Scenario& scenario, const CancelSweepOptions& options) {
    return CancelSweeper(scenario, options).sweep();
}

}  // namespace ringio::testing

#include <ringio/testing/cancel_sweep.hpp>

#include <ringio/core/repr.hpp>
#include "scenario_run.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <source_location>
#include <utility>

namespace ringio::testing {
namespace {

using ringio::detail::FutureStateBase;
using ringio::detail::TaskStateBase;

constexpr std::array moments_of_a_point = {CancelMoment::before_wait, CancelMoment::while_waiting,
                                           CancelMoment::after_ready, CancelMoment::twice,
                                           CancelMoment::in_cleanup};

/// A task, by the order in which they are made in a run; the scenario itself is 0.
using TaskNumber = std::uint64_t;

/// One suspension of a task.
struct Point {
    TaskNumber task;
    std::size_t step;   // of that task, which ends here
    std::string where;  // the await
};

struct Plan {
    CancelMoment moment = CancelMoment::never;
    TaskNumber victim = 0;
    std::size_t step = 0;  // the one that ends at the point
};

/// What the first run shows.
struct Survey {
    std::vector<Point> points;        // of all tasks
    std::vector<TaskNumber> starts;   // tasks whose first step was seen, save the scenario itself
    std::size_t eager = 0;            // tasks that were suspended before they were seen
    bool is_structured = true;        // all tasks belong to scopes
    std::optional<TaskNumber> named;  // by Sweep::victim()
};

/// Watches the steps, and makes the request when the plan says so.
class CancelRun final : public ScenarioRun {
public:
    CancelRun(const CancelSweepOptions& options, const Plan& plan)
        : ScenarioRun(options.loop, options.step_limit), plan_(plan) {}

    void run(const Scenario& scenario) {
        main_ = loop().create_task(scenario(sweep()));
        first_number_ = static_cast<TaskStateBase&>(*main_.shared_state()).number();
        if (run_until_done(main_)) {
            drain(false);
        }
        is_over_ = true;
        look_at_victim();
        look_at_end();
        main_ = AnyTask();
        sweep().forget_victim();
        finish();
    }

    Survey& survey() noexcept { return survey_; }
    bool placed() const noexcept { return placed_; }

    void before_step(Runnable& step) override {
        ScenarioRun::before_step(step);
        auto* const task = dynamic_cast<TaskStateBase*>(&step);
        if (task == nullptr || is_over_) {
            return;
        }
        if (plan_.moment == CancelMoment::never) {
            note_task(*task);
        } else if (number_of(*task) != plan_.victim) {
            return;
        }
        stepping_ = IntrusivePtr<TaskStateBase>(task);
        if (plan_.moment == CancelMoment::never) {
            return;
        }
        const std::size_t index = steps_++;  // a step ends at the point of the same number
        if (plan_.moment == CancelMoment::before_start && index == 0) {
            cancel(*task);
        } else if (plan_.moment == CancelMoment::before_wait && index == plan_.step) {
            requests_before_ = task->cancelling();
            task->cancel_at_next_wait();
            expects_wait_ = true;
        } else if (plan_.moment == CancelMoment::after_ready && index == plan_.step + 1) {
            cancel(*task);
        }
    }

    void after_step() override {
        const IntrusivePtr<TaskStateBase> stepped = std::exchange(stepping_, nullptr);
        if (!stepped) {
            return;
        }
        if (std::exchange(expects_wait_, false)) {
            placed_ = !stepped->done() || stepped->cancelling() > requests_before_;
        }
        if (stepped->done()) {
            return;
        }
        if (plan_.moment == CancelMoment::never) {
            note_point(*stepped);
        } else {
            at_point(*stepped);
        }
    }

private:
    TaskNumber number_of(const TaskStateBase& task) const noexcept {
        return task.number() - first_number_;
    }

    void note_task(const TaskStateBase& task) {
        const TaskNumber number = number_of(task);
        const auto [place, is_new] = steps_of_.try_emplace(number, 0);
        if (!is_new) {
            ++place->second;
            return;
        }
        if (number != 0 && !task.is_scoped()) {
            survey_.is_structured = false;
        }
        if (task.wait() != nullptr) {
            ++survey_.eager;
        } else if (number != 0) {
            survey_.starts.push_back(number);
        }
    }

    void note_point(const TaskStateBase& task) {
        const std::vector<std::source_location> stack = task.stack();
        const TaskNumber number = number_of(task);
        survey_.points.push_back({number, steps_of_[number],
                                  ringio::detail::file_and_line(stack.back()) + " in " +
                                      ringio::detail::function_name(stack.back()) + "()"});
    }

    void at_point(TaskStateBase& victim) {
        const std::size_t step = steps_ - 1;
        if (step == plan_.step && plan_.moment == CancelMoment::while_waiting) {
            cancel(victim);
        } else if (step == plan_.step && plan_.moment == CancelMoment::twice) {
            victim.cancel({});
            loop().call_soon([this, task = AnyTask(IntrusivePtr<FutureStateBase>(&victim))] {
                cancel(static_cast<TaskStateBase&>(*task.shared_state()));
            });
        } else if (step == plan_.step && plan_.moment == CancelMoment::in_cleanup) {
            victim.cancel({});
        } else if (step == plan_.step + 1 && plan_.moment == CancelMoment::in_cleanup) {
            cancel(victim);
        }
    }

    void cancel(TaskStateBase& victim) { placed_ = victim.cancel({}); }

    void look_at_victim() {
        const AnyTask& named = sweep().victim();
        if (!named.valid()) {
            return;
        }
        survey_.named = number_of(static_cast<TaskStateBase&>(*named.shared_state()));
        if (named.done()) {
            named.shared_state()->mark_retrieved();
        }
    }

    void look_at_end() {
        if (!main_.done()) {
            return;  // noted by run_until_done()
        }
        const std::exception_ptr error = main_.shared_state()->failure();
        main_.shared_state()->mark_retrieved();
        const bool must_succeed = plan_.moment == CancelMoment::never || survey_.named;
        if (error && must_succeed) {
            add_problem("the scenario ended with " + ringio::detail::describe_exception(error));
        }
    }

    Plan plan_;
    Survey survey_;
    AnyTask main_;
    std::uint64_t first_number_ = 0;
    std::map<TaskNumber, std::size_t> steps_of_;  // in the first run
    std::size_t steps_ = 0;                       // of the victim, in the others
    IntrusivePtr<TaskStateBase> stepping_;        // kept during its step
    unsigned requests_before_ = 0;
    bool is_over_ = false;  // what runs now is not the scenario
    bool expects_wait_ = false;
    bool placed_ = false;
};

}  // namespace

/// Makes the runs and keeps the books.
class CancelSweeper {
public:
    CancelSweeper(const Scenario& scenario, const CancelSweepOptions& options)
        : scenario_(scenario), options_(options) {}

    CancelSweepResult sweep() {
        const Survey survey = run({}, nullptr);
        const bool all = survey.named ? false
                                      : options_.victims == CancelVictims::all ||
                                            (options_.victims == CancelVictims::automatic &&
                                             survey.is_structured);
        const auto is_victim = [&](TaskNumber task) {
            return all || task == survey.named.value_or(0);
        };
        result_.points_ = static_cast<std::size_t>(std::ranges::count_if(
            survey.points, [&](const Point& point) { return is_victim(point.task); }));
        result_.unreached_ = survey.points.size() - result_.points_ + survey.eager;
        if (!result_.failures_.empty()) {
            return std::move(result_);  // of no use to cancel what fails by itself
        }
        for (const TaskNumber task : survey.starts) {
            if (is_victim(task)) {
                run({.moment = CancelMoment::before_start, .victim = task}, nullptr);
            }
        }
        for (const Point& point : survey.points) {
            if (!is_victim(point.task)) {
                continue;
            }
            for (const CancelMoment moment : moments_of_a_point) {
                run({.moment = moment, .victim = point.task, .step = point.step}, &point);
            }
            ++points_done_;
        }
        return std::move(result_);
    }

private:
    Survey run(const Plan& plan, const Point* point) {
        CancelRun run(options_, plan);
        run.run(scenario_);
        ++result_.runs_;
        if (plan.moment != CancelMoment::never && !run.placed()) {
            ++result_.unplaced_;
        }
        for (const std::string& problem : run.problems()) {
            result_.failures_.push_back(
                {points_done_, plan.moment, point != nullptr ? point->where : "", problem});
        }
        return std::move(run.survey());
    }

    const Scenario& scenario_;
    const CancelSweepOptions& options_;
    CancelSweepResult result_;
    std::size_t points_done_ = 0;
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
    std::string text = std::to_string(points_) + " points, " + std::to_string(runs_) + " runs (" +
                       std::to_string(unplaced_) + " without a place for the cancel), ";
    if (unreached_ > 0) {
        text += std::to_string(unreached_) + " awaits not reached, ";
    }
    return text + std::to_string(failures_.size()) + " failures";
}

CancelSweepResult cancel_sweep(const Scenario& scenario, const CancelSweepOptions& options) {
    return CancelSweeper(scenario, options).sweep();
}

}  // namespace ringio::testing

#include "scenario_run.hpp"

#include <ringio/core/run_until_complete.hpp>
#include <ringio/tasks/current_task.hpp>
#include <ringio/tasks/sleep.hpp>

namespace ringio::testing {
namespace {

LoopOptions in_virtual_time(LoopOptions options) {
    options.virtual_time = true;
    return options;
}

Task<> let_callbacks_run() {
    co_await sleep(Delay());
    co_await sleep(Delay());
}

}  // namespace

ScenarioRun::ScenarioRun(LoopOptions options, std::size_t step_limit) : step_limit_(step_limit) {
    loop_.emplace(in_virtual_time(options));
    sweep_.emplace();
    loop_->set_exception_handler(
        [this](EventLoop&, const ExceptionContext& context) { take_report(context); });
    loop_->machine().set_step_observer(this);
}

ScenarioRun::~ScenarioRun() = default;

void ScenarioRun::before_step(Runnable&) {
    if (++steps_ >= step_limit_) {
        loop_->stop();
    }
}

void ScenarioRun::take_report(const ExceptionContext& context) {
    const ringio::detail::PauseAllocationFaults pause;
    if (closing_ || accepts_report(context)) {
        return;
    }
    std::string text = "reported: " + context.message;
    if (context.exception) {
        text += " (" + ringio::detail::describe_exception(context.exception) + ")";
    }
    add_problem(std::move(text));
}

bool ScenarioRun::run_until_done(const AnyFuture& future) {
    try {
        ringio::detail::run_until_done(*loop_, *future.shared_state());
        return true;
    } catch (const DeadlockError& error) {
        add_problem(error.what());
    } catch (...) {
        if (steps_ < step_limit_) {
            throw;
        }
        add_problem("it has not ended after " + std::to_string(step_limit_) + " steps");
    }
    return false;
}

bool ScenarioRun::drain(bool cancel_them) {
    for (;;) {
        std::vector<AnyTask> tasks = all_tasks(*loop_);
        if (tasks.empty()) {
            return true;
        }
        for (AnyTask& task : tasks) {
            if (cancel_them) {
                task.cancel();
            }
        }
        // One that is done by the time that its turn comes is no reason to wait.
        for (const AnyTask& task : tasks) {
            if (!task.done() && !run_until_done(task)) {
                return false;
            }
        }
    }
}

void ScenarioRun::finish() {
    if (problems_.empty()) {
        loop_->run_until_complete(let_callbacks_run());
        look_at_invariants();
        look_at_loop();
    }
    closing_ = true;
    loop_->machine().set_step_observer(nullptr);
    loop_->close();
    sweep_.reset();
    loop_.reset();
    if (const std::string left = balance_.difference(); problems_.empty() && !left.empty()) {
        add_problem(left);
    }
}

void ScenarioRun::look_at_invariants() {
    for (const Sweep::Invariant& invariant : sweep_->invariants()) {
        if (!invariant.holds()) {
            add_problem("invariant: " + invariant.text);
        }
    }
}

void ScenarioRun::look_at_loop() {
    const LoopStatistics statistics = loop_->statistics();
    const auto expect_none = [this](std::size_t count, const char* what) {
        if (count != 0) {
            add_problem(std::to_string(count) + " " + what + " left");
        }
    };
    expect_none(statistics.tasks, "task(s)");
    expect_none(statistics.operations, "kernel operation(s)");
    expect_none(statistics.timers, "timer(s)");
}

}  // namespace ringio::testing

// One run of a scenario on a loop of its own in virtual time, and what must hold when it is over.
#pragma once

#include <ringio/core/event_loop.hpp>
#include <ringio/core/step_observer.hpp>
#include <ringio/testing/balance.hpp>
#include <ringio/testing/sweep.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <vector>

namespace ringio::testing {

/// Call run(), then finish().
class ScenarioRun : public ringio::detail::StepObserver {
public:
    ScenarioRun(LoopOptions options, std::size_t step_limit);
    virtual ~ScenarioRun();

    /// Destroys the run's state and loop, and notes what is not as it must be.
    void finish();

    /// What went wrong, one text each.
    const std::vector<std::string>& problems() const noexcept { return problems_; }

    void before_step(Runnable& step) override;
    void after_step() override {}

protected:
    EventLoop& loop() noexcept { return *loop_; }
    Sweep& sweep() noexcept { return *sweep_; }
    void add_problem(std::string text) { problems_.push_back(std::move(text)); }

    /// Runs until the future is done; false when it never will be, which is noted.
    bool run_until_done(const AnyFuture& future);

    /// Waits for every task that is left. False when one never ends.
    bool drain(bool cancel_them);

    /// Says whether a report to the exception handler is all right.
    virtual bool accepts_report(const ExceptionContext&) const { return false; }

private:
    void take_report(const ExceptionContext& context);
    void look_at_invariants();
    void look_at_loop();

    Balance balance_;
    std::size_t step_limit_;
    std::size_t steps_ = 0;
    bool closing_ = false;
    std::vector<std::string> problems_;
    std::optional<EventLoop> loop_;
    std::optional<Sweep> sweep_;
};

}  // namespace ringio::testing

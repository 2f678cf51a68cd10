// StepObserver: who is told of each step of the ready queue; for test harnesses and tracing.
#pragma once

#include <ringio/core/handle.hpp>

namespace ringio::detail {

/// Given to Machine::set_step_observer(); called on the loop's thread.
class StepObserver {
public:
    virtual void before_step(Runnable& step) = 0;

    /// The step may have destroyed itself.
    virtual void after_step() = 0;

protected:
    ~StepObserver() = default;
};

}  // namespace ringio::detail

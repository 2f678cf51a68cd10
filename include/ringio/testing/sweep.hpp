// Sweep: what a scenario is given that cancel_sweep() or allocation_sweep() runs again and again.
// Its state is made anew for each run and outlives it, so that it can be examined afterwards.
#pragma once

#include <ringio/core/task.hpp>
#include <ringio/testing/allocation_faults.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringio::testing {

/// One run of a scenario.
class Sweep {
public:
    Sweep() = default;
    Sweep(const Sweep&) = delete;
    Sweep& operator=(const Sweep&) = delete;
    /// Destroys what make() made, the newest first.
    ~Sweep();

    /// Makes an object for this run. It is destroyed after the invariants were looked at and the
    /// loop was closed: what an invariant or several tasks refer to belongs here, not into a
    /// coroutine that the cancellation may end.
    template <class T, class... Args>
    T& make(Args&&... args) {
        const ringio::detail::PauseAllocationFaults pause;
        const auto object = std::make_shared<T>(std::forward<Args>(args)...);
        kept_.push_back(object);
        return *object;
    }

    /// Says which task is to be cancelled; without it, that of the scenario itself. The task must
    /// not have had its first step. Gives the task back. *Errors*: std::logic_error the second
    /// time.
    template <class T>
    TaskHandle<T> victim(TaskHandle<T> task) {
        set_victim(task);
        return task;
    }

    /// Has `holds()` asked when every task has ended; false is a failure "invariant: …".
    /// *Lifetime*: what it refers to must be made by make(), or outlive the sweep.
    template <class Fn>
    void check(std::string_view invariant, Fn holds) {
        const ringio::detail::PauseAllocationFaults pause;
        invariants_.push_back({std::string(invariant), std::move(holds)});
    }

    // For those who run the scenario.

    struct Invariant {
        std::string text;
        std::function<bool()> holds;
    };
    const std::vector<Invariant>& invariants() const noexcept { return invariants_; }
    const AnyTask& victim() const noexcept { return victim_; }
    void forget_victim() noexcept { victim_ = AnyTask(); }

private:
    void set_victim(const AnyTask& task);

    std::vector<std::shared_ptr<void>> kept_;
    std::vector<Invariant> invariants_;
    AnyTask victim_;
};

/// A coroutine function; called once for each run.
using Scenario = std::function<Task<>(Sweep&)>;

}  // namespace ringio::testing

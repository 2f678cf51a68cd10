// CANCEL_SWEEP and ALLOCATION_SWEEP: a test case whose body is a scenario. What all of them did is
// added up and printed at the end.
#pragma once

#include <ringio/base/scope_exit.hpp>
#include <ringio/core/awaitable.hpp>
#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include <ringio/testing.hpp>
#include <support/catch.hpp>
#include <support/ends.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace ringio::test_support {

using namespace std::chrono_literals;
using testing::Sweep;

void run_cancel_sweep(Task<> (*scenario)(Sweep&));
void run_allocation_sweep(Task<> (*scenario)(Sweep&));

inline Task<int> give_after(Delay delay, int value) {
    co_await sleep(delay);
    co_return value;
}

inline Task<int> fail_after(Delay delay) {
    co_await sleep(delay);
    throw std::runtime_error("failed");
    co_return 0;
}

/// Counts how many are inside, whichever way they leave.
class Inside {
public:
    explicit Inside(int& count) noexcept : count_(count) { ++count_; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { --count_; }

private:
    int& count_;
};

/// Sleeps, and needs two more turns to clean up when it is cancelled.
inline Task<int> careful(int& inside, Delay delay) {
    const Inside here(inside);
    bool cancelled = false;
    try {
        co_await sleep(delay);
    } catch (const CancelledError&) {
        cancelled = true;
    }
    if (cancelled) {
        co_await sleep(Delay());
        co_await sleep(1ms);
        throw CancelledError();
    }
    co_return 1;
}

/// Keeps a closure for the run: a task may still use it when the scenario has ended early.
template <class Fn>
Fn& keep(Sweep& sweep, Fn closure) {
    return sweep.make<Fn>(std::move(closure));
}

/// Waits until a task has ended, whichever way.
template <class T>
Task<> ended(TaskHandle<T> task) {
    const std::vector tasks = {task};
    static_cast<void>(co_await wait(tasks));
    task.shared_state()->mark_retrieved();
}

}  // namespace ringio::test_support

#define SWEEP_JOIN(a, b) a##b
#define SWEEP_NAMED(function, runner, ...)                         \
    static ringio::Task<> function(ringio::testing::Sweep& sweep); \
    TEST_CASE(__VA_ARGS__) { runner(&function); }                  \
    static ringio::Task<> function([[maybe_unused]] ringio::testing::Sweep& sweep)
#define SWEEP_UNIQUE(line, runner, ...) \
    SWEEP_NAMED(SWEEP_JOIN(scenario_, line), runner, __VA_ARGS__)
#define CANCEL_SWEEP(...) \
    SWEEP_UNIQUE(__COUNTER__, ringio::test_support::run_cancel_sweep, __VA_ARGS__)
#define ALLOCATION_SWEEP(...) \
    SWEEP_UNIQUE(__COUNTER__, ringio::test_support::run_allocation_sweep, __VA_ARGS__)

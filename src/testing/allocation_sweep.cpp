#include <ringio/testing/allocation_sweep.hpp>

#include <ringio/base/scope_exit.hpp>
#include <ringio/core/frame_allocator.hpp>
#include <ringio/core/report.hpp>
#include <ringio/core/run_until_complete.hpp>
#include <ringio/tasks/exception_group.hpp>
#include "scenario_run.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <stdexcept>
#include <utility>

namespace ringio::testing {
namespace {

bool is_shortage(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::bad_alloc&) {
        return true;
    } catch (const ExceptionGroup& group) {
        return std::ranges::all_of(group.exceptions(), is_shortage);
    } catch (...) {
        return false;
    }
}

// What std::terminate() says during a sweep.
constinit thread_local std::size_t failing_allocation = 0;
std::terminate_handler outer_terminate = nullptr;

[[noreturn]] void tell_and_terminate() {
    std::fprintf(stderr, "ringio: std::terminate() in an allocation sweep, allocation %zu\n",
                 failing_allocation);
    if (outer_terminate != nullptr) {
        outer_terminate();
    }
    std::abort();
}

Task<> nothing() { co_return; }

/// Has the frame pool ask operator new wherever it may have to grow.
class ProbingPool {
public:
    ProbingPool() noexcept {
        ringio::detail::frame_pool.trim();
        ringio::detail::frame_pool.set_probing(true);
    }
    ProbingPool(const ProbingPool&) = delete;
    ProbingPool& operator=(const ProbingPool&) = delete;
    ~ProbingPool() { ringio::detail::frame_pool.set_probing(false); }
};

class AllocationRun final : public ScenarioRun {
public:
    explicit AllocationRun(const AllocationSweepOptions& options)
        : ScenarioRun(options.loop, options.step_limit) {}

    void run(const Scenario& scenario, std::size_t nth, AllocationFailure which) {
        loop().run_until_complete(nothing());               // sets the ring up
        const ProbingPool probing;                          // so that frames ask operator new, too
        const ringio::detail::SilencePlainReports silence;  // for want of our own memory
        std::exception_ptr error;
        failing_allocation = nth;
        {
            AllocationFaults faults(nth, which);
            try {
                loop().run_until_complete(scenario(sweep()));
            } catch (...) {
                faults.stop();
                error = std::current_exception();
            }
            faults.stop();
            count_ = faults.count();
            failed_ = faults.failed();
        }
        look_at_end(error);
        error = nullptr;
        if (problems().empty()) {
            drain(true);
        }
        sweep().forget_victim();
        finish();
    }

    std::size_t count() const noexcept { return count_; }
    bool failed() const noexcept { return failed_; }
    bool survived() const noexcept { return survived_; }

private:
    bool accepts_report(const ExceptionContext& context) const override {
        const auto tells = [&context](const char* what) {
            return context.message.find(what) != std::string::npos;
        };
        return (context.exception && is_shortage(context.exception)) ||
               tells("was never awaited") || tells("was never retrieved");
    }

    void look_at_end(const std::exception_ptr& error) {
        survived_ = !error;
        if (error && !(failed_ && is_shortage(error))) {
            add_problem("the scenario ended with " + ringio::detail::describe_exception(error));
        }
    }

    std::size_t count_ = 0;
    bool failed_ = false;
    bool survived_ = false;
};

}  // namespace

/// Makes the runs and keeps the books.
class AllocationSweeper {
public:
    AllocationSweeper(const Scenario& scenario, const AllocationSweepOptions& options)
        : scenario_(scenario), options_(options) {}

    AllocationSweepResult sweep() {
        run(0, AllocationFailure::once);
        for (const AllocationFailure which :
             {AllocationFailure::once, AllocationFailure::from_then_on}) {
            std::size_t nth = 1;
            while (result_.failures_.size() < failures_shown && run(nth, which)) {
                if (++nth > options_.allocation_limit) {
                    result_.failures_.push_back({nth, which, "the scenario goes on allocating"});
                    break;
                }
            }
        }
        return std::move(result_);
    }

private:
    static constexpr std::size_t failures_shown = 50;  // more would only hide the first ones

    /// Says whether an allocation failed.
    bool run(std::size_t nth, AllocationFailure which) {
        AllocationRun run(options_);
        run.run(scenario_, nth, which);
        ++result_.runs_;
        if (nth == 0) {
            result_.allocations_ = run.count();
        } else if (run.failed() && run.survived()) {
            ++result_.survived_;
        }
        for (const std::string& problem : run.problems()) {
            result_.failures_.push_back({nth, which, problem});
        }
        return run.failed();
    }

    const Scenario& scenario_;
    const AllocationSweepOptions& options_;
    AllocationSweepResult result_;
};

std::string AllocationSweepResult::report() const {
    std::string text;
    for (const AllocationSweepFailure& failure : failures_) {
        if (failure.allocation == 0) {
            text += "no allocation fails: ";
        } else {
            text += "allocation " + std::to_string(failure.allocation) +
                    (failure.which == AllocationFailure::once ? ": " : " and all that follow: ");
        }
        text += failure.text + "\n";
    }
    return text;
}

std::string AllocationSweepResult::summary() const {
    return std::to_string(allocations_) + " allocations, " + std::to_string(runs_) + " runs (" +
           std::to_string(survived_) + " survived), " + std::to_string(failures_.size()) +
           " failures";
}

AllocationSweepResult allocation_sweep(const Scenario& scenario,
                                       const AllocationSweepOptions& options) {
    if (!AllocationFaults::installed()) {
        throw std::logic_error(
            "allocation_sweep: operator new is not replaced; include "
            "<ringio/testing/failing_new.hpp> in one source file of the program");
    }
    outer_terminate = std::set_terminate(tell_and_terminate);
    const ScopeExit restore([] { std::set_terminate(outer_terminate); });
    return AllocationSweeper(scenario, options).sweep();
}

}  // namespace ringio::testing

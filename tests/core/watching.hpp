// What the tests of core/ look at a loop with: the reports it makes, the texts it prints, and a
// loop whose kernel the test plays.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ringio/base/scope_exit.hpp>
#include <ringio/core.hpp>
#include <ringio/ring/control_requests.hpp>
#include <ringio/tasks.hpp>
#include <support/catch.hpp>
#include <support/printed.hpp>

#include "../ring/scripted_kernel.hpp"

namespace ringio::test_support {

/// Takes a loop's reports in place of standard error.
class Reports {
public:
    explicit Reports(EventLoop& loop) : loop_(loop) {
        loop.set_exception_handler(
            [this](EventLoop&, const ExceptionContext& context) { seen.push_back(context); });
    }
    Reports(const Reports&) = delete;
    Reports& operator=(const Reports&) = delete;
    ~Reports() { loop_.set_exception_handler({}); }

    /// "message | key: value | exception", for the only report there is.
    std::string only() const {
        REQUIRE(seen.size() == 1);
        std::string text = seen[0].message;
        for (const auto& [key, value] : seen[0].details) {
            text += " | " + key + ": " + value;
        }
        return seen[0].exception ? text + " | " + detail::describe_exception(seen[0].exception)
                                 : text;
    }

    std::vector<ExceptionContext> seen;

private:
    EventLoop& loop_;
};

/// The text of the exception of type `E` that `action` throws.
template <class E, class Action>
std::string thrown(Action&& action) {
    try {
        std::forward<Action>(action)();
    } catch (const E& error) {
        if constexpr (std::is_same_v<E, CancelledError>) {
            return "cancelled: " + error.message();
        } else {
            return error.what();
        }
    }
    return "nothing was thrown";
}

/// Waits until `future` is done, however it ends.
// GCC 12: `co_await wait({future})`, with a braced list, does not compile.
inline Task<> settled(AnyFuture future) {
    const std::vector<AnyFuture> futures(1, future);
    co_await wait(futures);
}

/// Runs one turn: what is ready now.
inline void run_one_turn(EventLoop& loop) {
    loop.stop();
    loop.run_forever();
}

/// A loop on a kernel that answers what the test says, when it says so.
class ScriptedLoop {
public:
    explicit ScriptedLoop(unsigned entries = 8)
        : loop({.ring_entries = entries, .kernel = testing::kernel_from<&ScriptedLoop::make>()}) {
        run_one_turn(loop);
        kernel = made;  // and the loop's own read is there
        REQUIRE(kernel->held.size() == 1);
    }

    /// The number of requests that the kernel holds, besides the loop's own.
    std::size_t held() const { return kernel->held.size() - 1; }

    /// Answers the oldest of them.
    void answer(int result) { kernel->answer(1, result); }

    /// Runs a few turns: enough for what was answered to be resumed and for requests to arrive.
    void turns(int count = 4) {
        while (count-- > 0) {
            run_one_turn(loop);
        }
    }

    EventLoop loop;
    testing::ScriptedKernel* kernel = nullptr;

private:
    static std::unique_ptr<Kernel> make(unsigned entries) {
        auto kernel = std::make_unique<testing::ScriptedKernel>(entries, 2 * entries);
        made = kernel.get();
        return kernel;
    }

    static inline testing::ScriptedKernel* made = nullptr;
};

}  // namespace ringio::test_support

// run: the whole life of an asynchronous program in one call.
#pragma once

#include <ringio/tasks/runner.hpp>

#include <source_location>
#include <type_traits>
#include <utility>

namespace ringio {

/// Makes a loop, runs `main` on it, cancels and awaits the tasks that are left, closes the
/// asynchronous generators that are left, closes the loop, and gives the result of `main`.
/// asyncio.run.
///
/// *Errors*: std::runtime_error within a running loop; std::system_error when the kernel refuses
/// io_uring, with the reason and the remedy; what `main` throws; KeyboardInterrupt after Ctrl-C,
/// also one that comes while it cleans up; what is wrong with RunOptions::cancel_on, before main
/// runs. What else the cleaning up throws is reported.
template <Awaitable A>
detail::AwaitValue<A> run(A&& main, const RunOptions& options = {},
                          std::source_location where = std::source_location::current()) {
    Runner runner(options);
    detail::prepare_to_run(
        main, [&runner] { runner.prepare("run() cannot be called from a running event loop"); });
    try {
        if constexpr (std::is_void_v<detail::AwaitValue<A>>) {
            runner.run(std::forward<A>(main), where);
            runner.close_and_report();
        } else {
            auto result = runner.run(std::forward<A>(main), where);
            runner.close_and_report();
            return result;
        }
    } catch (...) {
        runner.close_and_report();
        throw;
    }
}

template <class A>
    requires(!Awaitable<A>)
void run(A&&, const RunOptions& = {}) {
    static_assert(Awaitable<A>,
                  "ringio: run() takes a coroutine or another awaitable; a coroutine function is "
                  "called first: run(main_coroutine())");
}

}  // namespace ringio

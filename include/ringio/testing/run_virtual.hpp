// run_virtual: run() on a loop whose clock jumps. A test that sleeps for an hour takes no time, and
// takes the same path each time.
#pragma once

#include <ringio/tasks/run.hpp>

#include <source_location>
#include <utility>

namespace ringio::testing {

/// As run(), in virtual time: the clock starts at 0 and jumps to the next deadline when nothing can
/// run and no kernel operation is in flight. While one is, time passes as it really does.
///
/// *Errors*: as run(); DeadlockError when nothing can ever wake the loop, with the tasks that wait.
template <Awaitable A>
detail::AwaitValue<A> run_virtual(A&& main, RunOptions options = {},
                                  std::source_location where = std::source_location::current()) {
    options.loop.virtual_time = true;
    return run(std::forward<A>(main), options, where);
}

}  // namespace ringio::testing

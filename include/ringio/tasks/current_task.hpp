// current_task and all_tasks: who runs, and who is there.
#pragma once

#include <ringio/core/task.hpp>

#include <vector>

namespace ringio {

/// Returns the task that runs now. *Errors*: std::runtime_error outside a task.
/// *Python*: gives None outside a task.
inline AnyTask current_task() {
    return AnyTask(IntrusivePtr<detail::FutureStateBase>(&detail::running_task()));
}

/// Returns the tasks of a loop that are not done, in order of creation.
std::vector<AnyTask> all_tasks(const EventLoop& loop);

/// The same for the running loop. *Errors*: std::runtime_error when no loop runs.
inline std::vector<AnyTask> all_tasks() { return all_tasks(get_running_loop()); }

}  // namespace ringio

// Who waits for whom: the tasks of a loop as a tree, for the deadlock report and debug::dump_tasks.
#pragma once

#include <ringio/core/task_state.hpp>

#include <string>
#include <vector>

namespace ringio::detail {

/// Returns the tasks that wait for `future`, each once, in the order in which they came; those that
/// wait for it through a gather() or shield(), too. None once the loop is closed.
std::vector<const TaskStateBase*> tasks_awaiting(const FutureStateBase& future);

/// "waits for Task 'reader'", "waits for a future made by main() at main.cpp:12", "waits in
/// sleep", "is ready to run", "runs now", "is done".
std::string describe_state(const TaskStateBase& task);

/// Describes every task of a loop that is not done: what it waits for, who made it, who asked it
/// to end, the awaits it is suspended in, oldest first. A task stands below the one that waits for
/// it; if several do, in full below the first. Each line begins with `indent` blanks and ends with
/// a newline.
std::string format_task_tree(const EventLoop& loop, std::size_t indent = 0);

/// The same below a line that says how many they are.
std::string format_tasks_of(const EventLoop& loop);

}  // namespace ringio::detail

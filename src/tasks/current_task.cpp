#include <ringio/tasks/current_task.hpp>

#include <ringio/core/loop_books.hpp>

namespace ringio {

std::vector<AnyTask> all_tasks(const EventLoop& loop) {
    std::vector<AnyTask> tasks;
    for (detail::TaskStateBase* task : loop.machine().books().pending_tasks()) {
        tasks.push_back(AnyTask(IntrusivePtr<detail::FutureStateBase>(task)));
    }
    return tasks;
}

}  // namespace ringio

#include <ringio/tasks/current_task.hpp>

namespace ringio {

std::vector<AnyTask> all_tasks(const EventLoop& loop) {
    std::vector<AnyTask> tasks;
    for (detail::TaskStateBase* task : loop.pending_tasks()) {
        tasks.push_back(AnyTask(IntrusivePtr<detail::FutureStateBase>(task)));
    }
    return tasks;
}

}  // namespace ringio

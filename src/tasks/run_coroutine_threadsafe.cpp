#include <ringio/tasks/run_coroutine_threadsafe.hpp>

namespace ringio::detail {

void cancel_remote_task(ConcurrentStateBase& future, EventLoop& loop,
                        std::shared_ptr<RemoteTask> remote) {
    future.add_done_callback(
        [remote = std::move(remote),
         services = std::weak_ptr(loop.services())](ConcurrentStateBase& done) {
            if (!done.cancelled()) {
                return;
            }
            // The call that makes the task was posted before, so it is made or done by then.
            post_to(services, [remote] {
                if (remote->task != nullptr) {
                    remote->task->cancel("");
                }
            });
        });
}

}  // namespace ringio::detail

#include <ringio/tasks/run_coroutine_threadsafe.hpp>

#include <ringio/core/mailbox.hpp>
#include <ringio/core/posted_call.hpp>

namespace ringio::detail {

void cancel_remote_task(ConcurrentStateBase& future, EventLoop& loop,
                        std::shared_ptr<RemoteTask> remote) {
    // Made beforehand: a thread that has no memory for it could not cancel. Whoever has the future
    // has it after the call that makes the task was posted, so that one comes first.
    auto cancel = std::make_unique<PostedCall>([remote = std::move(remote)] {
        if (remote->task != nullptr) {
            remote->task->cancel("");
        }
    });
    future.add_done_callback(
        [cancel = std::move(cancel),
         mailbox = std::weak_ptr(loop.machine().mailbox())](ConcurrentStateBase& done) mutable {
            if (done.cancelled()) {
                post_to(mailbox, std::move(cancel));
            }
        });
}

}  // namespace ringio::detail

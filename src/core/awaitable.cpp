#include <ringio/core/awaitable.hpp>

namespace ringio::detail {
namespace {

// A coroutine whose only step is to wake the task; its frame goes with that step.
struct Bridge {
    struct promise_type {
        Bridge get_return_object() noexcept {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept { std::terminate(); }
    };
    std::coroutine_handle<> handle;
};

Bridge wake_when_resumed(EventLoop& loop, IntrusivePtr<TaskStateBase> task,
                         std::shared_ptr<void> expectation) {
    if (running_loop == &loop) {
        task->wake();
    } else {
        // The reference goes along, so that its count is only touched on the loop's thread.
        loop.call_soon_threadsafe([task = std::move(task)] { task->wake(); });
    }
    expectation.reset();
    co_return;
}

}  // namespace

std::coroutine_handle<> make_bridge(TaskStateBase& task) {
    EventLoop& loop = task.loop();
    return wake_when_resumed(loop, IntrusivePtr<TaskStateBase>(&task), loop.expect_wakeup()).handle;
}

}  // namespace ringio::detail

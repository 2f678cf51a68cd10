#include <ringio/core/awaitable.hpp>

#include "loop_services.hpp"

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

// Resumed after the loop was closed, it wakes nobody: the task went with the loop.
Bridge wake_when_resumed(EventLoop& loop, std::shared_ptr<LoopServices> services,
                         IntrusivePtr<TaskStateBase> task, std::shared_ptr<void> expectation) {
    if (running_loop == &loop && task->loop_or_null() == &loop) {
        task->wake();
    } else {
        // The reference goes along: its count is only touched on the loop's thread.
        services->post([task = std::move(task)] { task->wake(); });
    }
    expectation.reset();
    co_return;
}

}  // namespace

std::coroutine_handle<> make_bridge(TaskStateBase& task) {
    EventLoop& loop = task.loop();
    return wake_when_resumed(loop, loop.services(), IntrusivePtr<TaskStateBase>(&task),
                             loop.expect_wakeup())
        .handle;
}

}  // namespace ringio::detail

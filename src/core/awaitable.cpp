#include <ringio/core/awaitable.hpp>

#include <ringio/core/mailbox.hpp>

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

void wake(const BridgeEnd& end) {
    if (end.task != nullptr) {
        end.task->wake_at(end.coroutine);
    }
}

// Resumed after the loop was closed, it wakes nobody: the task went with the loop.
Bridge wake_when_resumed(EventLoop& loop, std::shared_ptr<Mailbox> mailbox,
                         std::shared_ptr<BridgeEnd> end, std::unique_ptr<PostedCall> call,
                         std::shared_ptr<void> expectation) {
    if (running_loop == &loop) {
        wake(*end);
    } else {
        // Refused by a loop that is closed, it is dropped here: nothing of the task goes along.
        mailbox->post(std::move(call));
    }
    expectation.reset();
    co_return;
}

}  // namespace

std::coroutine_handle<> make_bridge(EventLoop& loop, std::shared_ptr<BridgeEnd> end) {
    // Made beforehand: a thread that has no memory for it could tell nobody.
    auto call = std::make_unique<PostedCall>([end] { wake(*end); });
    return wake_when_resumed(loop, loop.machine().mailbox(), std::move(end), std::move(call),
                             loop.expect_wakeup())
        .handle;
}

}  // namespace ringio::detail

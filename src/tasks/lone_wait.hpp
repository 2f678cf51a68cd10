// The wait of a scope that must not be left before others have ended: it needs no memory, so that
// it can be relied upon when there is none.
#pragma once

#include <ringio/core/awaitable.hpp>

#include <coroutine>
#include <string>
#include <utility>

namespace ringio::detail {

/// Waits until somebody calls end(). `place` points to it as long as it waits. Awaiting it tells
/// whether the task was cancelled meanwhile, instead of throwing.
class LoneWait final : public NativeAwaiter, public Wait {
public:
    LoneWait(LoneWait*& place, const char* what) noexcept : place_(place), what_(what) {}
    LoneWait(const LoneWait&) = delete;
    LoneWait& operator=(const LoneWait&) = delete;
    ~LoneWait() = default;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) {
        task_ = &running_task();
        place_ = this;
        task_->suspend(coroutine, *this);
    }
    bool await_resume() noexcept {
        place_ = nullptr;
        const bool cancelled_late = task_->take_cancellation();
        return cancelled_ || cancelled_late;
    }

    void end() noexcept {
        if (!std::exchange(over_, true)) {
            task_->wake();
        }
    }
    bool cancel(const std::string&) noexcept override {
        if (over_) {
            return false;
        }
        cancelled_ = true;
        end();
        return true;
    }
    const char* what() const noexcept override { return what_; }
    std::string repr() const override { return "<Future pending cb=[Task.task_wakeup()]>"; }

private:
    LoneWait*& place_;
    const char* what_;
    TaskStateBase* task_ = nullptr;
    bool over_ = false;
    bool cancelled_ = false;
};

/// Awaited, makes the wait in the awaiting frame.
struct WaitAlone {
    LoneWait operator co_await() const noexcept { return LoneWait(place, what); }

    LoneWait*& place;
    const char* what;
};

}  // namespace ringio::detail

// run_coroutine_threadsafe: from another thread into the loop, with a result to wait for there.
#pragma once

#include <ringio/concurrent/future.hpp>
#include <ringio/core/frame_allocator.hpp>
#include <ringio/core/task.hpp>

#include <exception>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

namespace ringio {
namespace detail {

/// A coroutine on its way to another thread. Its frame is off the books of the one and enters those
/// of the other when it is taken, or destroyed here.
template <class T>
class TravellingTask {
public:
    explicit TravellingTask(Task<T> coroutine) noexcept : coroutine_(std::move(coroutine)) {
        if (coroutine_) {
            frame_pool.depart();
        }
    }
    TravellingTask(TravellingTask&&) noexcept = default;
    TravellingTask& operator=(TravellingTask&&) = delete;
    ~TravellingTask() { static_cast<void>(take()); }

    Task<T> take() noexcept {
        if (coroutine_) {
            frame_pool.arrive();
        }
        return std::move(coroutine_);
    }

private:
    Task<T> coroutine_;
};

/// What the waiting side knows of the task; looked at on the loop's thread only.
struct RemoteTask {
    TaskStateBase* task = nullptr;  // null: not made yet, or done
};

/// Hands the result of a task out of the loop. Destroyed without that, it cancels the future.
template <class T>
class RemoteResult {
public:
    RemoteResult(concurrent::Promise<T> promise, std::shared_ptr<RemoteTask> remote) noexcept
        : promise_(std::move(promise)), remote_(std::move(remote)) {}
    RemoteResult(RemoteResult&&) noexcept = default;
    RemoteResult& operator=(RemoteResult&&) = delete;
    ~RemoteResult() {
        if (remote_) {
            remote_->task = nullptr;
        }
    }

    void operator()(FutureStateBase& done) {
        remote_->task = nullptr;
        if (done.cancelled()) {
            promise_.get_future().cancel();
            return;
        }
        done.mark_retrieved();
        if (!promise_.set_running_or_notify_cancel()) {
            return;
        }
        try {
            if (std::exception_ptr exception = done.exception()) {
                promise_.set_exception(std::move(exception));
            } else if constexpr (std::is_void_v<T>) {
                promise_.set_result();
            } else {
                promise_.set_result(take_value<T>(done));
            }
        } catch (...) {  // copying or moving the value threw
            promise_.set_exception(std::current_exception());
        }
    }

private:
    concurrent::Promise<T> promise_;
    std::shared_ptr<RemoteTask> remote_;
};

/// Sees to it that cancelling the future cancels the task. Called before the task is on its way.
void cancel_remote_task(ConcurrentStateBase& future, EventLoop& loop,
                        std::shared_ptr<RemoteTask> remote);

}  // namespace detail

/// Has `loop` run a coroutine as a task, from another thread, and returns a future to wait for
/// there: `run_coroutine_threadsafe(f(), loop).result(1s)`.
///
/// *Errors*: std::runtime_error when the loop is closed; the future's are what the coroutine
/// throws. *Cancellation*: cancelling the future cancels the task. A loop that closes before the
/// end cancels the future. *Lifetime*: the loop must live when this is called; the coroutine may
/// end it before this returns.
template <class T>
concurrent::Future<T> run_coroutine_threadsafe(
    Task<T> coroutine, EventLoop& loop,
    std::source_location where = std::source_location::current()) {
    concurrent::Promise<T> promise;
    concurrent::Future<T> future = promise.get_future();
    auto remote = std::make_shared<detail::RemoteTask>();
    detail::cancel_remote_task(*future.shared_state(), loop, remote);
    // Last of all: the coroutine may end the loop before this returns.
    loop.call_soon_threadsafe([coroutine = detail::TravellingTask<T>(std::move(coroutine)),
                               promise = std::move(promise), remote, &loop, where]() mutable {
        TaskHandle<T> task;
        try {
            task = loop.create_task(coroutine.take(), where);
        } catch (...) {
            if (promise.set_running_or_notify_cancel()) {
                promise.set_exception(std::current_exception());
            }
            throw;
        }
        if (promise.cancelled()) {
            task.cancel();  // before the first step: it never begins
        }
        detail::FutureStateBase& state = *task.shared_state();
        remote->task = static_cast<detail::TaskStateBase*>(&state);
        state.add_done_callback(detail::RemoteResult<T>(std::move(promise), remote), where);
    });
    return future;
}

}  // namespace ringio

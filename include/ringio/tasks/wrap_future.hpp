// wrap_future: from a concurrent::Future, which threads finish, to a Future that a task can await.
// The result crosses over with the loop's queue of calls from other threads.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/concurrent/future.hpp>
#include <ringio/core/future.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace ringio {
namespace detail {

/// The part of a wrapped future that does not depend on its type. The loop owns it until the result
/// has come over: what the thread has of it is a link that only the loop's thread looks through.
class CrossingFuture : public IntrusiveListHook {
public:
    CrossingFuture() = default;
    CrossingFuture(const CrossingFuture&) = delete;
    CrossingFuture& operator=(const CrossingFuture&) = delete;

    /// Called on the loop's thread once the source is done.
    virtual void arrive() noexcept = 0;
    /// Called when the loop closes: nothing will arrive.
    virtual void forsake() noexcept = 0;

protected:
    ~CrossingFuture() = default;

    void connect(EventLoop& loop, ConcurrentStateBase& source);
    void disconnect() noexcept;

private:
    struct Link {
        explicit Link(CrossingFuture& waiting) noexcept : future(&waiting) {}

        CrossingFuture* future;  // used on the loop's thread only; null: nobody waits any more
        std::atomic<bool> wanted = true;  // the same for the thread: spares the loop a call
    };

    std::shared_ptr<Link> link_;
    std::shared_ptr<void> expected_wakeup_;
};

template <class T>
class WrappedFuture final : public FutureState<T>, public CrossingFuture {
public:
    WrappedFuture(EventLoop& loop, concurrent::Future<T> source) noexcept
        : FutureState<T>(loop), source_(std::move(source)) {}

    void start() {
        connect(this->loop(), *source_.shared_state());
        keep_ = IntrusivePtr<FutureStateBase>(this);
    }

    FutureStateBase* take_cancel(CancelWalk& walk) noexcept override {
        const IntrusivePtr<FutureStateBase> keep = leave();
        const concurrent::Future<T> source = std::move(source_);
        FutureState<T>::take_cancel(walk);
        if (source.valid()) {
            source.cancel();  // calls whoever waits for it, here
        }
        return nullptr;
    }

    void arrive() noexcept override {
        const IntrusivePtr<FutureStateBase> keep = leave();
        concurrent::Future<T> source = std::move(source_);
        if (source.cancelled()) {
            FutureState<T>::cancel("");
            return;
        }
        try {
            if constexpr (std::is_void_v<T>) {
                source.result();
                this->set_value();
            } else {
                this->set_value(std::move(source).result());
            }
        } catch (...) {
            this->fail(std::current_exception());
        }
    }

    void forsake() noexcept override {
        const IntrusivePtr<FutureStateBase> keep = leave();
        source_ = {};
    }

private:
    /// Gives up the loop's reference to this.
    IntrusivePtr<FutureStateBase> leave() noexcept {
        disconnect();
        return std::move(keep_);
    }

    concurrent::Future<T> source_;  // until this is done: then the value is not shared
    IntrusivePtr<FutureStateBase> keep_;
};

}  // namespace detail

/// Returns a future of `loop` (the running one) with the result of a future that a thread sets.
/// Called on the loop's thread.
///
/// *Errors*: std::runtime_error when the loop is closed, or none runs. *Cancellation*: cancels
/// `future`, too, unless its work has begun; then its result is dropped.
/// *Lifetime*: the loop may be closed before the result is there; it is dropped then.
template <class T>
Future<T> wrap_future(concurrent::Future<T> future, EventLoop& loop) {
    if (!future.valid()) {
        detail::throw_no_concurrent_future();
    }
    const IntrusivePtr<detail::WrappedFuture<T>> wrapped(
        new detail::WrappedFuture<T>(loop, std::move(future)));
    wrapped->start();
    return Future<T>(IntrusivePtr<detail::FutureStateBase>(wrapped.get()));
}
template <class T>
Future<T> wrap_future(concurrent::Future<T> future) {
    return wrap_future(std::move(future), get_running_loop());
}

}  // namespace ringio

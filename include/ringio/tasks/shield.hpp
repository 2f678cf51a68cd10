// shield: cancelling the one who waits does not cancel what is waited for.
#pragma once

#include <ringio/tasks/create_task.hpp>

#include <source_location>

namespace ringio {
namespace detail {

/// Passes the result of `inner` on to `outer`, unless one of them was cancelled.
template <class T>
void pass_result(FutureStateBase& inner, FutureState<T>& outer) {
    if (outer.cancelled()) {
        inner.mark_retrieved();
    } else if (inner.cancelled()) {
        outer.cancel("");
    } else if (std::exception_ptr exception = inner.exception()) {
        outer.set_exception(std::move(exception));
    } else if constexpr (std::is_void_v<T>) {
        outer.set_value();
    } else {
        outer.set_value(take_value<T>(inner));
    }
}

/// The future that shield() returns. It owns the inner one; the inner one only knows a node of it,
/// so that the two do not keep each other alive.
template <class T>
class ShieldState final : public FutureState<T>, public DoneNode {
public:
    ShieldState(EventLoop& loop, IntrusivePtr<FutureStateBase> inner) noexcept
        : FutureState<T>(loop), inner_(std::move(inner)) {}

    ~ShieldState() override {
        leave_inner();
        this->release_links({&inner_, 1});
    }

    void start() {
        inner_->add_done_node(*this);
        this->add_done_callback(
            [](FutureStateBase& outer) { static_cast<ShieldState&>(outer).leave_inner(); },
            std::source_location::current());
    }

    void notify(FutureStateBase&) noexcept override {
        keep_ = IntrusivePtr<FutureStateBase>(this);
        this->loop_or_null()->machine().schedule(*this);
    }
    void run() override {
        const IntrusivePtr<FutureStateBase> keep = std::move(keep_);
        try {
            pass_result<T>(*inner_, *this);
        } catch (...) {
            this->fail(std::current_exception());  // the copy of the value threw
        }
    }
    void discard() noexcept override { const auto keep = std::move(keep_); }
    std::string describe() const override { return "shield()"; }
    const FutureStateBase* awaiter() const noexcept override { return this; }

private:
    void leave_inner() noexcept {
        if (this->is_waiting()) {
            inner_->remove_waiting(*this);
        }
    }

    IntrusivePtr<FutureStateBase> inner_;
    IntrusivePtr<FutureStateBase> keep_;  // while queued
};

template <class T>
Future<T> shield_future(Future<T> inner) {
    if (inner.done()) {
        return inner;
    }
    const IntrusivePtr<ShieldState<T>> outer(
        new ShieldState<T>(inner.get_loop(), inner.shared_state()));
    outer->start();
    return Future<T>(IntrusivePtr<FutureStateBase>(outer.get()));
}

}  // namespace detail

/// Returns a future with the result of `awaitable`; cancelling that future, or the task that awaits
/// it, leaves `awaitable` running. A coroutine becomes a task. A handle that is given by its name
/// keeps its result, which is copied; one that cannot be copied is given away.
///
/// *Cancellation*: when `awaitable` itself is cancelled, so is the returned future.
template <Awaitable A>
Future<detail::AwaitValue<A>> shield(A&& awaitable,
                                     std::source_location where = std::source_location::current()) {
    detail::require_result_may_be_taken<A>();
    return detail::shield_future<detail::AwaitValue<A>>(
        ensure_future(std::forward<A>(awaitable), where));
}

template <class A>
    requires(!Awaitable<A>)
detail::Refused shield(A&&) {
    static_assert(Awaitable<A>, "ringio: shield() takes an awaitable: a coroutine or a future");
    return {};
}

}  // namespace ringio

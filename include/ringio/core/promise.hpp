// Promise: the side of a future that sets the result. Apart from Future, so that who is given a
// Future can only wait for it.
#pragma once

#include <ringio/core/future.hpp>

#include <concepts>
#include <exception>
#include <source_location>
#include <utility>

namespace ringio {

/// Sets the result of a Future; made by EventLoop::create_future(). Copies set the same future.
///
/// Used on the loop's thread; from another one go through call_soon_threadsafe().
template <class T = void>
class Promise {
public:
    using value_type = T;

    /// Refers to nothing: only assignment and destruction are allowed.
    Promise() = default;
    explicit Promise(IntrusivePtr<detail::FutureState<T>> state) noexcept
        : state_(std::move(state)) {}

    /// Sets the value, constructed from `args`; those who wait are scheduled.
    /// *Errors*: InvalidStateError when done already; what the constructor of the value throws.
    template <class... Args>
    void set_result(Args&&... args) {
        static_assert(std::constructible_from<detail::Stored<T>, Args...>,
                      "ringio: the future's value cannot be made of these arguments");
        state_->check_thread();
        const IntrusivePtr<detail::FutureState<T>> kept = state_;  // the value may drop this
        kept->set_value(std::forward<Args>(args)...);
    }

    /// Sets an exception: a std::exception_ptr, or an exception object.
    /// *Errors*: InvalidStateError when done already; std::invalid_argument for a null pointer.
    void set_exception(std::exception_ptr exception) {
        state_->check_thread();
        state_->set_exception(std::move(exception));
    }
    template <class E>
        requires(!std::same_as<std::remove_cvref_t<E>, std::exception_ptr> &&
                 !std::same_as<std::remove_cvref_t<E>, std::nullptr_t>)
    void set_exception(E&& exception) {
        set_exception(std::make_exception_ptr(std::forward<E>(exception)));
    }

    Future<T> get_future() const {
        return Future<T>(IntrusivePtr<detail::FutureStateBase>(state_.get()));
    }

    bool done() const noexcept { return state_->done(); }
    bool cancelled() const noexcept { return state_->cancelled(); }

private:
    IntrusivePtr<detail::FutureState<T>> state_;
};

template <class T>
Promise<T> EventLoop::create_future(std::source_location where) {
    detail::check_thread(this);
    IntrusivePtr<detail::FutureState<T>> state(new detail::FutureState<T>(*this));
    state->set_created(where);
    return Promise<T>(std::move(state));
}

}  // namespace ringio

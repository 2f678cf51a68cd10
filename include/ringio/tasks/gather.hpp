// gather: several awaitables at once, one result. The children are scheduled at the call.
#pragma once

#include <ringio/base/outcome.hpp>
#include <ringio/tasks/create_task.hpp>

#include <cstddef>
#include <memory>
#include <ranges>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ringio {

/// Says that gather() shall give exceptions as Outcomes instead of throwing the first one.
struct ReturnExceptions {};
inline constexpr ReturnExceptions return_exceptions{};

namespace detail {

/// The future that gather() returns: the part that does not depend on the types.
///
/// The first exception (or cancelled child) ends it at once; the other children go on, and their
/// exceptions count as seen. Cancelling it cancels the children; it ends with the first that is
/// cancelled, or after the last one when exceptions are kept.
class GatherState : public PassingState {
public:
    explicit GatherState(EventLoop& loop) noexcept;
    ~GatherState() override;

    /// Takes the children and starts to wait. Children that are done are counted at once.
    void start(std::vector<IntrusivePtr<FutureStateBase>> children, bool keep_exceptions);

    // The turn after the one in which the decisive child was done.
    void run() override;
    void discard() noexcept override;

protected:
    FutureStateBase* take_cancel(CancelWalk& walk) noexcept final;
    FutureStateBase* hear_reply(CancelWalk& walk) noexcept final;

    /// Makes the value out of the children, all done, and sets it.
    virtual void set_results() = 0;

    FutureStateBase& child(std::size_t index) noexcept { return *children_[index]; }
    std::size_t size() const noexcept { return children_.size(); }

private:
    class ChildNode;

    bool count_in(const FutureStateBase& child) noexcept;
    void child_done(FutureStateBase& child) noexcept;
    void end(FutureStateBase& child) noexcept;
    void end_with_first_exception(FutureStateBase& child) noexcept;
    void end_cancelled(std::exception_ptr cancellation) noexcept;

    std::vector<IntrusivePtr<FutureStateBase>> children_;
    std::unique_ptr<ChildNode[]> nodes_;
    FutureStateBase* decisive_ = nullptr;  // while queued
    std::size_t finished_ = 0;
    std::size_t asked_of_ = 0;  // of the children, by the request to cancel that is on its way
    bool decided_ = false;      // by the last child, or the first that failed
    bool keep_exceptions_ = false;
    bool cancel_requested_ = false;
    CancelWalk::Reply reply_ = CancelWalk::Reply::refused;  // to the last request, from all of them
};

/// What a child contributes: void has no value, so std::monostate stands for it.
template <class T>
using GatherValue = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class T, bool KeepExceptions>
using GatherElement = std::conditional_t<KeepExceptions, Outcome<T>, GatherValue<T>>;

template <class T, bool KeepExceptions>
GatherElement<T, KeepExceptions> gather_element(FutureStateBase& child) {
    if constexpr (KeepExceptions) {
        child.mark_retrieved();
        if (std::exception_ptr failure = child.failure()) {
            return Outcome<T>(std::move(failure));
        }
        if constexpr (std::is_void_v<T>) {
            return Outcome<T>();
        } else {
            return Outcome<T>(take_value<T>(child));
        }
    } else if constexpr (std::is_void_v<T>) {
        return std::monostate();
    } else {
        return take_value<T>(child);
    }
}

template <bool KeepExceptions, class... Ts>
class GatherTuple final
    : public WithValue<GatherState, std::tuple<GatherElement<Ts, KeepExceptions>...>> {
public:
    using Result = std::tuple<GatherElement<Ts, KeepExceptions>...>;
    using WithValue<GatherState, Result>::WithValue;

private:
    void set_results() override { set(std::index_sequence_for<Ts...>()); }

    template <std::size_t... I>
    void set(std::index_sequence<I...>) {
        this->set_value(gather_element<Ts, KeepExceptions>(this->child(I))...);
    }
};

template <bool KeepExceptions, class T>
class GatherVector final
    : public WithValue<GatherState, std::vector<GatherElement<T, KeepExceptions>>> {
public:
    using Result = std::vector<GatherElement<T, KeepExceptions>>;
    using WithValue<GatherState, Result>::WithValue;

private:
    void set_results() override {
        Result results;
        results.reserve(this->size());
        for (std::size_t index = 0; index < this->size(); ++index) {
            results.push_back(gather_element<T, KeepExceptions>(this->child(index)));
        }
        this->set_value(std::move(results));
    }
};

template <class State>
auto start_gather(EventLoop& loop, std::vector<IntrusivePtr<FutureStateBase>> children,
                  bool keep_exceptions) {
    const IntrusivePtr<State> state(new State(loop));
    state->start(std::move(children), keep_exceptions);
    return Future<typename State::Result>(IntrusivePtr<FutureStateBase>(state.get()));
}

/// Schedules a child. One that only gather knows is not reported when the loop closes over it.
template <class A>
IntrusivePtr<FutureStateBase> gather_child(A&& awaitable) {
    require_result_may_be_taken<A>();
    auto future = ensure_future(std::forward<A>(awaitable), std::source_location());
    if constexpr (!IsFuture<A>) {
        auto& task = static_cast<TaskStateBase&>(*future.shared_state());
        task.expect_to_be_destroyed();
        task.mark_scoped();
    }
    return future.shared_state();
}

template <bool KeepExceptions, class... As>
auto gather_arguments(As&&... awaitables) {
    using State = GatherTuple<KeepExceptions, AwaitValue<As>...>;
    EventLoop& loop = get_running_loop();
    std::vector<IntrusivePtr<FutureStateBase>> children;
    children.reserve(sizeof...(As));
    (children.push_back(gather_child(std::forward<As>(awaitables))), ...);
    return start_gather<State>(loop, std::move(children), KeepExceptions);
}

/// An element of a range that is given away, as an rvalue; of one that stays with the caller, or is
/// a view, as it comes.
template <class Range, class Element>
decltype(auto) element_of(Element& element) noexcept {
    using Reference = std::ranges::range_reference_t<Range>;
    constexpr bool is_given =
        !std::is_lvalue_reference_v<Range> && !std::ranges::view<std::remove_cvref_t<Range>>;
    if constexpr (is_given || !std::is_lvalue_reference_v<Reference>) {
        return std::move(element);
    } else {
        return (element);
    }
}

template <bool KeepExceptions, class Range>
auto gather_range(Range&& range) {
    using Element = std::ranges::range_reference_t<Range>;
    using State = GatherVector<KeepExceptions, AwaitValue<Element>>;
    EventLoop& loop = get_running_loop();
    std::vector<IntrusivePtr<FutureStateBase>> children;
    if constexpr (std::ranges::sized_range<Range>) {
        children.reserve(std::ranges::size(range));
    }
    for (auto&& awaitable : range) {
        children.push_back(gather_child(element_of<Range>(awaitable)));
    }
    return start_gather<State>(loop, std::move(children), KeepExceptions);
}

template <class R>
concept AwaitableRange =
    std::ranges::input_range<R> && Awaitable<std::ranges::range_reference_t<R>>;

}  // namespace detail

/// Runs awaitables concurrently and gives their results in the order of the arguments, as a
/// std::tuple (void becomes std::monostate). Coroutines become tasks at the call.
///
/// *Errors*: the first exception is thrown at once; the others run on, and are not cancelled.
/// std::invalid_argument for a future of another loop. A handle that is given by its name keeps its
/// result, which is copied; one that cannot be copied is given away: `gather(std::move(task))`.
/// *Cancellation*: cancels every child; the future ends with CancelledError as an exception (its
/// cancelled() stays false, as in CPython) when the first child is cancelled, or, with
/// return_exceptions, when the last one has ended.
template <Awaitable... As>
auto gather(As&&... awaitables) {
    return detail::gather_arguments<false>(std::forward<As>(awaitables)...);
}

/// The same for a range of awaitables of one type; gives a std::vector. Coroutines are taken out of
/// it; of handles whose result cannot be copied the range is given away:
/// `gather(std::move(tasks))`.
template <detail::AwaitableRange Range>
    requires(!Awaitable<Range>)
auto gather(Range&& range) {
    return detail::gather_range<false>(std::forward<Range>(range));
}

/// The same, where each result is an Outcome: the value, or the exception (CancelledError too).
template <Awaitable... As>
auto gather(ReturnExceptions, As&&... awaitables) {
    return detail::gather_arguments<true>(std::forward<As>(awaitables)...);
}
template <detail::AwaitableRange Range>
    requires(!Awaitable<Range>)
auto gather(ReturnExceptions, Range&& range) {
    return detail::gather_range<true>(std::forward<Range>(range));
}

template <class... As>
    requires(!(Awaitable<As> && ...))
detail::Refused gather(As&&...) {
    static_assert((Awaitable<As> && ...),
                  "ringio: gather() takes awaitables, or one range of them; a coroutine function "
                  "is called first: gather(f(), g())");
    return {};
}

}  // namespace ringio

// Siblings: the children of one when_all() or when_any(). They are started, ended and waited for
// together, within the await: none is left when it is over.
#pragma once

#include <ringio/base/outcome.hpp>
#include <ringio/tasks/create_task.hpp>

#include <array>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <ranges>
#include <source_location>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ringio::detail {

template <class... As>
void close_unstarted(std::tuple<As...>& awaitables) noexcept {
    std::apply([](As&... each) { (close_unstarted(each), ...); }, awaitables);
}
template <class A>
void close_unstarted(std::vector<A>& awaitables) noexcept {
    for (A& each : awaitables) {
        close_unstarted(each);
    }
}

/// An awaitable that a child's coroutine owns. The statement has taken it, so that its coroutines
/// are not reported when the child is cancelled before its first step.
template <class A>
class TakenAwaitable {
public:
    explicit TakenAwaitable(A&& awaitable) : awaitable_(std::move(awaitable)) {}
    TakenAwaitable(TakenAwaitable&&) = default;
    TakenAwaitable& operator=(TakenAwaitable&&) = delete;
    ~TakenAwaitable() { close_unstarted(awaitable_); }

    A&& take() noexcept { return std::move(awaitable_); }

private:
    A awaitable_;
};

template <class A>
Task<AwaitValue<A>> run_child(TakenAwaitable<A> taken) {
    if constexpr (std::is_void_v<AwaitValue<A>>) {
        co_await taken.take();
    } else {
        co_return co_await taken.take();
    }
}

/// What a child contributes: void has no value, so std::monostate stands for it.
template <class T>
using SiblingValue = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

class Siblings;

/// The place of one child; it lives in the awaiting frame.
class Sibling final : public DoneNode {
public:
    Sibling() noexcept = default;
    ~Sibling() { leave(); }

    void notify(FutureStateBase& future) noexcept override;
    std::string describe() const override;
    const FutureStateBase* awaiter() const noexcept override;

    /// Takes the value of a child that has one: moved when nobody else holds the child.
    template <class T>
    SiblingValue<T> take() {
        if constexpr (std::is_void_v<T>) {
            return {};
        } else {
            return take_value<T>(*future_);
        }
    }

private:
    friend class Siblings;

    void leave() noexcept {
        if (is_waiting()) [[unlikely]] {
            future_->remove_waiting(*this);
        }
    }

    Siblings* family_ = nullptr;
    IntrusivePtr<FutureStateBase> future_;  // null: it was never started
};

/// The wait for them all: the part that does not depend on the types.
///
/// Legend: *open* until a child decides (with a rule of `all` the first that has no value, with
/// `any` the first that ends), the task is cancelled, or a child cannot be started: then the others
/// are cancelled, in that very step, and those to come are not started. It is over when none runs.
class Siblings : public NativeAwaiter, public Wait {
public:
    Siblings(const Siblings&) = delete;
    Siblings& operator=(const Siblings&) = delete;

    bool await_ready() const noexcept { return false; }

    bool cancel(const std::string& message) noexcept final;
    FutureStateBase* passes_on_to() noexcept final;
    FutureStateBase* passes_on_next(CancelWalk::Reply& reply) noexcept final;
    void abandon() noexcept final;
    const char* what() const noexcept final {
        return rule_ == Rule::all ? "when_all()" : "when_any()";
    }

    // For the children.

    void child_done(Sibling& child) noexcept;
    const TaskStateBase* task() const noexcept { return task_; }

protected:
    enum class Rule : unsigned char { all, any };

    explicit Siblings(Rule rule) noexcept : rule_(rule) {}
    ~Siblings() = default;

    /// Begins, on behalf of the running task. *Errors*: std::runtime_error outside a task.
    void begin();

    /// Says where the children stand, before the first is started.
    void settle_in(std::span<Sibling> children) noexcept { children_ = children; }

    /// Starts a child, or drops it without a report when it is no longer wanted.
    template <class A>
    void start(Sibling& child, A& awaitable) noexcept {
        if (!is_open()) {
            close_unstarted(awaitable);
            return;
        }
        try {
            add(child, take_child(awaitable));
        } catch (...) {
            give_up(std::current_exception());
        }
    }

    /// Ends the statement with an exception of its own, once the children have ended.
    void give_up(std::exception_ptr why) noexcept;

    /// Suspends the task until the last child has ended; false when that is so already.
    bool wait(std::coroutine_handle<> coroutine) noexcept;

    /// Returns what is to be thrown, or null when there is a result; called once, in the end.
    std::exception_ptr failure() noexcept;

    /// The same for as_outcome(): throws what is no outcome, a cancellation of the task itself.
    std::exception_ptr failure_as_outcome();

    /// The child that decided, when it has a value.
    Sibling& winner() const noexcept { return *decisive_; }
    std::size_t index_of(const Sibling& child) const noexcept {
        return static_cast<std::size_t>(&child - children_.data());
    }
    bool has_value(const Sibling& child) const noexcept {
        return child.future_ && child.future_->has_value();
    }
    std::span<Sibling> children() const noexcept { return children_; }

private:
    bool is_open() const noexcept { return !ending_; }

    /// Gets the future of a child. A task that only the statement knows is silent when its loop
    /// closes over it.
    template <class A>
    static IntrusivePtr<FutureStateBase> take_child(A& awaitable) {
        if constexpr (IsFuture<A>) {
            return std::exchange(awaitable, A()).shared_state();
        } else if constexpr (IsTask<A>) {
            return start_task(std::move(awaitable));
        } else {
            return start_task(run_child(TakenAwaitable<A>(std::move(awaitable))));
        }
    }
    template <class T>
    static IntrusivePtr<FutureStateBase> start_task(Task<T> coroutine) {
        const auto handle =
            get_running_loop().create_task(std::move(coroutine), std::source_location());
        auto& task = static_cast<TaskStateBase&>(*handle.shared_state());
        task.expect_to_be_destroyed();
        task.mark_scoped();
        return handle.shared_state();
    }

    void add(Sibling& child, IntrusivePtr<FutureStateBase> future);
    void count_in(Sibling& child) noexcept;
    void end_others(const Sibling* decisive) noexcept;
    void cancel_running(const std::string& message) noexcept;
    FutureStateBase* next_running() noexcept;
    bool has_result() const noexcept;
    bool was_cancelled() const noexcept;
    void report_superseded(const std::exception_ptr& thrown) const noexcept;

    std::span<Sibling> children_;
    TaskStateBase* task_ = nullptr;
    std::exception_ptr given_up_;
    Sibling* decisive_ = nullptr;   // the first error; with `any`, the first value or error
    Sibling* cancelled_ = nullptr;  // the first that ended cancelled, and not at our request
    std::size_t running_ = 0;
    std::size_t values_ = 0;
    std::size_t asked_of_ = 0;  // how many of the children a request to cancel has been through
    CancelWalk::Reply reply_ = CancelWalk::Reply::refused;  // of those
    Rule rule_;
    bool waiting_ = false;    // the task is suspended, and not woken
    bool suspended_ = false;  // it was
    bool ending_ = false;     // the children were asked to end
    bool asked_ = false;      // the task was, while it waited
};

/// What a statement keeps of an argument until it is awaited: a Task, a handle, any awaitable.
template <class A>
using SiblingArgument = std::remove_cvref_t<A>;
template <class A>
using SiblingResult = AwaitValue<SiblingArgument<A>&&>;

template <class A>
inline constexpr bool is_named_task = IsTask<A> && std::is_lvalue_reference_v<A>;

/// A handle that has a name keeps its value, so the result is a copy.
template <class A>
constexpr bool can_give_value() {
    if constexpr (IsFuture<A> && std::is_lvalue_reference_v<A>) {
        using T = AwaitValue<A>;
        return std::is_void_v<T> || std::is_copy_constructible_v<T>;
    } else {
        return true;
    }
}
template <class A>
constexpr bool require_value() {
    static_assert(can_give_value<A>(),
                  "ringio: the result of a handle that has a name is copied, and this result "
                  "cannot be: write std::move(handle), or std::move(vector) for a vector of them");
    return can_give_value<A>();
}

/// Says what when_all() and when_any() take, for what they do not take.
template <class... As>
constexpr bool accept_siblings() {
    static_assert((Awaitable<As> && ...),
                  "ringio: when_all() and when_any() take awaitables, or one range of them; a "
                  "coroutine function is called first: when_all(f(), g())");
    static_assert((!is_named_task<As> && ...),
                  "ringio: a coroutine runs once, and when_all() and when_any() take it: write "
                  "std::move(task) for one that has a name");
    if constexpr ((Awaitable<As> && ...) && (!is_named_task<As> && ...)) {
        return (require_value<As>() && ...);
    } else {
        return false;
    }
}

template <class R>
concept SiblingRange =
    std::ranges::input_range<R> && Awaitable<std::ranges::range_reference_t<R>> && !Awaitable<R>;
template <class R>
using SiblingElement = SiblingArgument<std::ranges::range_reference_t<R>>;

/// The awaitables of a range: Tasks are taken out of it, handles are copied.
template <class R>
std::vector<SiblingElement<R>> take_siblings(R&& range) {
    if constexpr (std::is_same_v<R, std::vector<SiblingElement<R>>>) {
        return std::move(range);
    } else {
        require_value<std::ranges::range_reference_t<R>>();
        std::vector<SiblingElement<R>> taken;
        if constexpr (std::ranges::sized_range<R>) {
            taken.reserve(std::ranges::size(range));
        }
        for (auto&& awaitable : range) {
            taken.push_back(own(std::forward<decltype(awaitable)>(awaitable)));
        }
        return taken;
    }
}

/// The wait for a pack of children, which live within it.
template <class... As>
class SiblingPack : public Siblings {
public:
    bool await_suspend(std::coroutine_handle<> coroutine) {
        begin();
        settle_in(places_);
        start_all(std::index_sequence_for<As...>());
        return wait(coroutine);
    }

protected:
    SiblingPack(Rule rule, std::tuple<As...>& awaitables) noexcept
        : Siblings(rule), awaitables_(awaitables) {}

    ~SiblingPack() = default;

    template <std::size_t I>
    auto take() {
        using A = std::tuple_element_t<I, std::tuple<As...>>;
        return places_[I].template take<SiblingResult<A>>();
    }

private:
    template <std::size_t... I>
    void start_all(std::index_sequence<I...>) noexcept {
        (start(places_[I], std::get<I>(awaitables_)), ...);
    }

    std::tuple<As...>& awaitables_;
    std::array<Sibling, sizeof...(As)> places_;
};

/// The wait for a range of children.
template <class A>
class SiblingList : public Siblings {
public:
    bool await_suspend(std::coroutine_handle<> coroutine) {
        begin();
        try {
            places_ = std::make_unique<Sibling[]>(awaitables_.size());
        } catch (...) {
            close_unstarted(awaitables_);  // the exception says why they were never awaited
            throw;
        }
        settle_in({places_.get(), awaitables_.size()});
        for (std::size_t index = 0; index < awaitables_.size(); ++index) {
            start(places_[index], awaitables_[index]);
        }
        return wait(coroutine);
    }

protected:
    SiblingList(Rule rule, std::vector<A>& awaitables) noexcept
        : Siblings(rule), awaitables_(awaitables) {}

    ~SiblingList() = default;

    auto take(Sibling& child) { return child.template take<SiblingResult<A>>(); }

private:
    std::vector<A>& awaitables_;
    std::unique_ptr<Sibling[]> places_;
};

/// The wait, and what it gives: `Taker` is a pack or list of children with a result().
template <class Taker>
class SiblingAwaiter final : public Taker {
public:
    using Result = decltype(std::declval<Taker&>().result());
    using Taker::Taker;

    Result await_resume() {
        if (std::exception_ptr failure = this->failure()) {
            std::rethrow_exception(std::move(failure));
        }
        return this->result();
    }
    Outcome<Result> await_outcome() {
        if (std::exception_ptr failure = this->failure_as_outcome()) {
            return Outcome<Result>(std::move(failure));
        }
        return Outcome<Result>(this->result());
    }
};

/// Owns the awaitables of a when_all() or when_any() until it is awaited, once.
template <class Taker, class Awaitables>
class [[nodiscard]] Statement : public OwnsCoroutines {
public:
    explicit Statement(Awaitables awaitables) noexcept : awaitables_(std::move(awaitables)) {}
    Statement(Statement&&) noexcept = default;
    Statement& operator=(Statement&&) = delete;
    ~Statement() = default;

    /// *Lifetime*: the awaiter refers to the statement, which the operand keeps until it is over.
    SiblingAwaiter<Taker> operator co_await() && noexcept {
        return SiblingAwaiter<Taker>(awaitables_);
    }

    /// Drops the awaitables without a report.
    void close() noexcept { close_unstarted(awaitables_); }

private:
    Awaitables awaitables_;
};

}  // namespace ringio::detail

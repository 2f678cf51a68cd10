// task_group: a scope that owns tasks. It ends when all of them have; the first error cancels the
// others, and all errors come out together.
#pragma once

#include <ringio/base/scope_exit.hpp>
#include <ringio/core/callable.hpp>
#include <ringio/core/cancellation.hpp>
#include <ringio/core/format.hpp>
#include <ringio/core/task.hpp>
#include <ringio/tasks/create_task.hpp>
#include <ringio/tasks/exception_group.hpp>

#include <cstdint>
#include <exception>
#include <list>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace ringio {
namespace detail {

[[noreturn]] void throw_started_twice();

class LoneWait;

}  // namespace detail

/// What a task that TaskGroup::start() starts is given: it says when it is ready. Copyable.
template <class T = void>
class TaskStatus {
public:
    explicit TaskStatus(Promise<T> ready) noexcept : ready_(std::move(ready)) {}

    /// Lets start() return, with a value when T is not void. Without effect when start() was
    /// cancelled meanwhile. *Errors*: std::runtime_error the second time.
    template <class... Args>
    void started(Args&&... value) {
        if (ready_.cancelled()) {
            return;
        }
        if (ready_.done()) {
            detail::throw_started_twice();
        }
        ready_.set_result(std::forward<Args>(value)...);
    }

private:
    Promise<T> ready_;
};

namespace detail {

/// The task that start() starts: it owns the function, which a closure of the user's may be.
template <class T, class Fn>
Task<AwaitValue<std::invoke_result_t<Fn&, TaskStatus<T>>>> run_owned(Fn function,
                                                                     TaskStatus<T> status) {
    if constexpr (std::is_void_v<AwaitValue<std::invoke_result_t<Fn&, TaskStatus<T>>>>) {
        co_await function(std::move(status));
    } else {
        co_return co_await function(std::move(status));
    }
}

}  // namespace detail

/// The group that the body of task_group() is given; asyncio.TaskGroup.
class TaskGroup {
public:
    TaskGroup() = default;
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;
    ~TaskGroup();

    /// Schedules a coroutine as a task of the group. Allowed in the body, and from a task of the
    /// group while the group waits for it. An eager task that ends in its first step counts at
    /// once. *Errors*: std::runtime_error when the group is finished or shutting down; the
    /// coroutine is destroyed then.
    template <class T>
    TaskHandle<T> create_task(Task<T> coroutine, const TaskOptions& options = {},
                              std::source_location where = std::source_location::current()) {
        if (!is_open()) {
            coroutine.close();
            throw_not_open();
        }
        TaskHandle<T> task = loop_->create_task(std::move(coroutine), options, where);
        add(task, nullptr);
        return task;
    }
    template <class A>
        requires(Awaitable<A> && !detail::IsTask<A> && !detail::IsFuture<A>)
    auto create_task(A&& awaitable, const TaskOptions& options = {},
                     std::source_location where = std::source_location::current()) {
        return create_task(detail::to_coroutine(std::forward<A>(awaitable)), options, where);
    }
    template <class A, class... Rest>
        requires(!Awaitable<A> || detail::IsFuture<A>)
    detail::Refused create_task(A&&, Rest&&...) {
        detail::require_unstarted<A>();
        return {};
    }

    /// Schedules `function(TaskStatus<T>)`, a coroutine function, as a task of the group, waits
    /// until it calls started(), and gives the value that it gave there.
    ///
    /// *Errors*: what the task throws before started(), which then does not count as an error of
    /// the group; std::runtime_error when it ends without started(); as create_task().
    /// *Cancellation*: cancels the task and waits for its end. *Python*: not in asyncio; trio's
    /// nursery.start().
    template <class T = void, class Fn>
    Task<T> start(Fn&& function, TaskOptions options = {}) {
        detail::require_safe_callable<Fn>();
        return start<T>(detail::Guarded(), detail::unwrap_callable(std::forward<Fn>(function)),
                        options);
    }

    /// Cancels the tasks and the body; the group then ends without a CancelledError, unless the
    /// parent was cancelled from outside as well. Idempotent; without effect once the group has
    /// ended. A body that was to give a value and did not: task_group() throws std::runtime_error.
    /// *Python*: 3.15.
    void cancel(const std::source_location& where = std::source_location::current());

    /// "<TaskGroup tasks=2 errors=1 cancelling>".
    std::string repr() const;

    // What task_group() does around the body.

    /// Begins. *Errors*: std::runtime_error outside a task, or the second time.
    void enter();

    /// Waits for every task. `error` is what the body threw; throws what the group ends with, but
    /// returns when the body's CancelledError was the group's own doing or nothing went wrong.
    /// To be made before the body: from then on, waiting needs no memory.
    Task<> leave(const std::exception_ptr& error);

private:
    template <class T = void, class Fn>
    Task<T> start(detail::Guarded, Fn function, TaskOptions options) {
        static_assert(std::is_invocable_v<Fn&, TaskStatus<T>>,
                      "ringio: TaskGroup::start() takes a coroutine function with a TaskStatus of "
                      "the same type as its only argument");
        if (!is_open()) {
            throw_not_open();
        }
        const Promise<T> ready = loop_->create_future<T>();
        Future<T> started = ready.get_future();
        const auto task = loop_->create_task(
            detail::run_owned<T>(std::move(function), TaskStatus<T>(ready)), options);
        add(task, started.shared_state());
        std::exception_ptr cancellation;
        try {
            if constexpr (std::is_void_v<T>) {
                co_await started;
                co_return;
            } else {
                co_return co_await std::move(started);
            }
        } catch (const CancelledError&) {
            cancellation = std::current_exception();
        }
        co_await end_start(task);
        std::rethrow_exception(cancellation);
    }

    struct Member {
        AnyTask task;
        std::uint64_t callback = 0;  // on_task_done()
    };

    bool is_open() const noexcept;
    [[noreturn]] void throw_not_open() const;

    /// `started`: the future of TaskStatus, for a task that start() waits for.
    void add(const AnyTask& task, const IntrusivePtr<detail::FutureStateBase>& started);
    void on_task_done(std::list<Member>::iterator member, detail::FutureStateBase* started);
    void on_task_failed(std::list<Member>::iterator member, const std::exception_ptr& error);
    void abort();
    static Task<> end_start(AnyTask task);
    [[noreturn]] void throw_interrupt();
    void throw_errors(const std::exception_ptr& error, const std::exception_ptr& cancellation);

    EventLoop* loop_ = nullptr;
    detail::ScopeCancellation parent_;     // of the task that runs the body
    std::list<Member> tasks_;              // not done, in order of creation
    std::list<Member> failed_;             // taken over from tasks_, which needs no memory
    std::exception_ptr interrupt_;         // a KeyboardInterrupt, which goes before all others
    detail::LoneWait* waiting_ = nullptr;  // while leave() waits
    bool entered_ = false;
    bool exiting_ = false;
    bool aborting_ = false;
};

namespace detail {

[[noreturn]] void throw_group_cancelled();

template <class Body>
concept GroupBody =
    requires(Body& body, TaskGroup& group) { requires Awaitable<decltype(body(group))>; };
template <class Body>
using GroupResult = AwaitValue<std::invoke_result_t<Body&, TaskGroup&>>;

template <class Body>
Task<GroupResult<Body>> run_task_group(Body body) {
    TaskGroup group;
    group.enter();
    std::exception_ptr error;
    Task<> ending = group.leave(error);
    const ScopeExit close([&ending] { ending.close(); });  // a loop that closes never awaits it
    if constexpr (std::is_void_v<GroupResult<Body>>) {
        try {
            co_await body(group);
        } catch (...) {
            error = std::current_exception();
        }
        co_await ending;
    } else {
        std::optional<GroupResult<Body>> value;
        try {
            value.emplace(co_await body(group));
        } catch (...) {
            error = std::current_exception();
        }
        co_await ending;
        if (!value) {
            throw_group_cancelled();
        }
        co_return std::move(*value);
    }
}

}  // namespace detail

/// Runs `body(group)`, waits for every task that was created in the group, and gives the body's
/// result. `body` is a coroutine function; it is copied.
///
/// *Errors*: when the body or a task fails, the others are cancelled, and an ExceptionGroup
/// "unhandled errors in a TaskGroup" holds all errors. A task that was cancelled is no error.
/// *Cancellation*: from outside, it cancels the tasks, and goes on when they have ended.
/// *Python*: `async with asyncio.TaskGroup() as group`.
template <class Body>
auto task_group(Body&& body) {
    using Function = detail::Callable<Body>;
    detail::require_safe_callable<Body>();
    static_assert(std::is_invocable_v<Function&, TaskGroup&>,
                  "ringio: the body of task_group() takes a TaskGroup&");
    static_assert(detail::GroupBody<Function> || !std::is_invocable_v<Function&, TaskGroup&>,
                  "ringio: the body of task_group() is a coroutine function: it returns a Task");
    if constexpr (detail::GroupBody<Function>) {
        return detail::run_task_group<Function>(detail::unwrap_callable(std::forward<Body>(body)));
    } else {
        return detail::Refused();
    }
}

}  // namespace ringio

template <>
struct fmt::formatter<ringio::TaskGroup> : ringio::detail::ReprFormatter<ringio::TaskGroup> {};

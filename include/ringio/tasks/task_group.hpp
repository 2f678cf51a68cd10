// task_group: a scope that owns tasks. It ends when all of them have; the first error cancels the
// others, and all errors come out together.
#pragma once

#include <ringio/core/callable.hpp>
#include <ringio/core/format.hpp>
#include <ringio/core/task.hpp>
#include <ringio/tasks/create_task.hpp>
#include <ringio/tasks/exception_group.hpp>

#include <exception>
#include <list>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace ringio {

/// The group that the body of task_group() is given; asyncio.TaskGroup.
class TaskGroup {
public:
    TaskGroup() = default;
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    /// Schedules a coroutine as a task of the group. Allowed in the body, and from a task of the
    /// group while the group waits for it.
    /// *Errors*: std::runtime_error when the group is finished or shutting down; the coroutine is
    /// destroyed then.
    template <class T>
    TaskHandle<T> create_task(Task<T> coroutine, const TaskOptions& options = {}) {
        check_open();
        TaskHandle<T> task = loop_->create_task(std::move(coroutine), options);
        add(task);
        return task;
    }
    template <class A>
        requires(Awaitable<A> && !detail::IsTask<A> && !detail::IsFuture<A>)
    auto create_task(A&& awaitable, const TaskOptions& options = {}) {
        return create_task(detail::to_coroutine(std::forward<A>(awaitable)), options);
    }

    /// "<TaskGroup tasks=2 errors=1 cancelling>".
    std::string repr() const;

    // What task_group() does around the body.

    /// Begins. *Errors*: std::runtime_error outside a task, or the second time.
    void enter();

    /// Waits for every task. `error` is what the body threw; throws what the group ends with, but
    /// returns when the body's CancelledError was the group's own doing or nothing went wrong.
    Task<> leave(std::exception_ptr error);

private:
    void check_open() const;
    void add(const AnyTask& task);
    void on_task_done(std::list<AnyTask>::iterator task);
    void abort();
    void throw_errors(std::exception_ptr error, std::exception_ptr cancellation);

    EventLoop* loop_ = nullptr;
    AnyTask parent_;
    std::list<AnyTask> tasks_;  // not done, in order of creation
    std::vector<std::exception_ptr> errors_;
    std::optional<Promise<>> all_done_;  // while leave() waits
    bool entered_ = false;
    bool exiting_ = false;
    bool aborting_ = false;
    bool parent_cancel_requested_ = false;  // by us: undone in leave()
};

namespace detail {

template <class Body>
using GroupResult = AwaitValue<std::invoke_result_t<Body&, TaskGroup&>>;

template <class Body>
Task<GroupResult<Body>> run_task_group(Body body) {
    TaskGroup group;
    group.enter();
    std::exception_ptr error;
    if constexpr (std::is_void_v<GroupResult<Body>>) {
        try {
            co_await body(group);
        } catch (...) {
            error = std::current_exception();
        }
        co_await group.leave(error);
    } else {
        std::optional<GroupResult<Body>> value;
        try {
            value.emplace(co_await body(group));
        } catch (...) {
            error = std::current_exception();
        }
        co_await group.leave(error);
        if (!value) {
            std::rethrow_exception(error);
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
    detail::require_safe_callable<Body>();
    static_assert(std::is_invocable_v<detail::Callable<Body>&, TaskGroup&>,
                  "ringio: the body of task_group() takes a TaskGroup&");
    return detail::run_task_group<detail::Callable<Body>>(
        detail::unwrap_callable(std::forward<Body>(body)));
}

}  // namespace ringio

template <>
struct fmt::formatter<ringio::TaskGroup> : ringio::detail::ReprFormatter<ringio::TaskGroup> {};

// as_completed: results in the order in which they come.
#pragma once

#include <ringio/base/delay.hpp>
#include <ringio/tasks/create_task.hpp>
#include <ringio/tasks/gather.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

namespace ringio {
namespace detail {

/// Takes out the second and later handles to the same future.
void remove_duplicates(std::vector<AnyFuture>& futures);

/// The futures of one as_completed(), in the order in which they end, and those who wait for one.
class CompletionQueue : public std::enable_shared_from_this<CompletionQueue> {
public:
    CompletionQueue() = default;
    CompletionQueue(const CompletionQueue&) = delete;
    CompletionQueue& operator=(const CompletionQueue&) = delete;
    ~CompletionQueue();

    /// Starts to watch the futures. Must be owned by a shared_ptr.
    void watch(std::vector<AnyFuture> futures, std::optional<Delay> limit);

    /// Gives the next future that is done. *Errors*: TimeoutError once the limit has passed.
    Task<AnyFuture> next();

private:
    void wake_one();
    void on_timeout();

    std::deque<AnyFuture> done_;
    std::deque<Promise<>> waiting_;
    std::vector<std::pair<AnyFuture, std::uint64_t>> watched_;
    std::size_t left_ = 0;
    TimerHandle timer_;
    bool timed_out_ = false;
};

}  // namespace detail

/// One step of as_completed(): awaited, it gives the next result that comes, or throws it. To be
/// awaited once, in any order.
template <class T>
class NextCompleted {
public:
    explicit NextCompleted(std::shared_ptr<detail::CompletionQueue> queue) noexcept
        : queue_(std::move(queue)) {}

    auto operator co_await() const { return Awaiter(take(queue_)); }

private:
    struct Owner {
        explicit Owner(Task<T> owned) noexcept : task(std::move(owned)) {}
        Task<T> task;
    };
    struct Awaiter : Owner, detail::TaskAwaiter<T> {
        explicit Awaiter(Task<T> owned)
            : Owner(std::move(owned)), detail::TaskAwaiter<T>(this->task.operator co_await()) {}
    };

    static Task<T> take(std::shared_ptr<detail::CompletionQueue> queue) {
        AnyFuture done = co_await queue->next();
        detail::FutureStateBase& state = *done.shared_state();
        state.require_value();
        if constexpr (!std::is_void_v<T>) {
            co_return detail::take_value<T>(state);
        }
    }

    std::shared_ptr<detail::CompletionQueue> queue_;
};

/// Runs awaitables concurrently; the range that is returned has one awaitable for each, and each
/// gives the next result that comes. Coroutines become tasks at the call; a future that is given
/// twice counts once.
///
/// *Errors*: awaiting a step throws what that awaitable threw, or TimeoutError once `limit` passed.
/// *Cancellation*: cancels none of them. *Python*: `for next in as_completed(aws): await next`.
template <detail::AwaitableRange Range>
auto as_completed(Range&& awaitables, std::optional<Delay> limit = std::nullopt) {
    using T = detail::AwaitValue<std::ranges::range_reference_t<Range>>;
    std::vector<AnyFuture> futures;
    for (auto&& awaitable : awaitables) {
        futures.push_back(ensure_future(awaitable));
    }
    detail::remove_duplicates(futures);
    const auto queue = std::make_shared<detail::CompletionQueue>();
    std::vector<NextCompleted<T>> steps(futures.size(), NextCompleted<T>(queue));
    queue->watch(std::move(futures), limit);
    return steps;
}

}  // namespace ringio

// as_completed: results, or the tasks themselves, in the order in which they come.
#pragma once

#include <ringio/base/delay.hpp>
#include <ringio/base/unique_function.hpp>
#include <ringio/tasks/create_task.hpp>
#include <ringio/tasks/gather.hpp>

#include <cstddef>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <source_location>
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

    /// Sets one completion aside for somebody; false when all have been.
    bool claim() noexcept {
        const bool any = unclaimed_ > 0;
        unclaimed_ -= any ? 1 : 0;
        return any;
    }

    /// Gives the next future that is done. *Errors*: TimeoutError once the limit has passed.
    Task<AnyFuture> next();

    /// The same, for whoever has not claimed one: null when there is none to claim. A cancelled
    /// call takes its claim back.
    Task<std::optional<AnyFuture>> claim_next();

    /// Calls `function`, which must not throw, whenever one of the futures is done; empty: nobody.
    void on_each_done(UniqueFunction<void()> function) noexcept { told_ = std::move(function); }

private:
    void wake_one();
    void on_timeout();

    std::deque<AnyFuture> done_;
    std::deque<Promise<>> waiting_;
    std::vector<std::pair<AnyFuture, std::uint64_t>> watched_;
    IntrusivePtr<FutureStateBase> watching_task_;  // for call graphs: the one that called
    std::size_t left_ = 0;
    std::size_t unclaimed_ = 0;
    TimerHandle timer_;
    UniqueFunction<void()> told_;
    bool timed_out_ = false;
};

}  // namespace detail

/// One step of as_completed(): awaited, it gives the next result that comes, or throws it. To be
/// awaited once, in any order. `May`: the result may be taken from the handle.
template <class T, bool May = true>
class NextCompleted {
public:
    explicit NextCompleted(std::shared_ptr<detail::CompletionQueue> queue) noexcept
        : queue_(std::move(queue)) {}

    auto operator co_await() const {
        static_assert(May,
                      "ringio: the results of these futures cannot be copied, and to move them "
                      "would leave the handles that you keep without them; give the range away "
                      "with std::move(tasks), or take the handles with its next()");
        return Awaiter(take(queue_));
    }

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

/// What as_completed() returns: a range of steps, read once, and a source of the handles `F`
/// themselves. Both draw on the same completions: what one has given the other does not give.
template <class F, bool MayTake = true>
class AsCompleted {
public:
    using Step = NextCompleted<typename F::value_type, MayTake>;

    /// Each increment takes one completion; so does begin().
    class iterator {
    public:
        using iterator_concept = std::input_iterator_tag;
        using value_type = Step;
        using difference_type = std::ptrdiff_t;

        explicit iterator(AsCompleted& owner) : owner_(&owner) { ++*this; }

        Step& operator*() const noexcept { return owner_->step_; }
        iterator& operator++() {
            at_end_ = !owner_->queue_->claim();
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator& at, std::default_sentinel_t) noexcept {
            return at.at_end_;
        }

    private:
        AsCompleted* owner_;
        bool at_end_ = false;
    };

    AsCompleted(std::shared_ptr<detail::CompletionQueue> queue, std::size_t size) noexcept
        : queue_(std::move(queue)), step_(queue_), size_(size) {}

    /// How many awaitables there were at the call, each counted once.
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

    /// Goes on where the last one stopped.
    iterator begin() { return iterator(*this); }
    std::default_sentinel_t end() const noexcept { return {}; }

    /// Gives the next future or task that is done: the very handle that was given to
    /// as_completed(), or the task made of a coroutine. Nothing when all have been given.
    ///
    /// *Errors*: TimeoutError, for each that is left, once the limit passed. *Cancellation*: takes
    /// none. *Python*: `async for task in as_completed(tasks)`.
    Task<std::optional<F>> next() { return take_next(queue_); }

protected:
    const std::shared_ptr<detail::CompletionQueue>& completions() const noexcept { return queue_; }

private:
    static Task<std::optional<F>> take_next(std::shared_ptr<detail::CompletionQueue> queue) {
        const std::optional<AnyFuture> done = co_await queue->claim_next();
        if (!done) {
            co_return std::nullopt;
        }
        co_return F(done->shared_state());
    }

    std::shared_ptr<detail::CompletionQueue> queue_;
    Step step_;
    std::size_t size_;
};

/// Runs awaitables concurrently. Iterated over, what is returned has one awaitable for each, and
/// each gives the next result that comes; its next() gives the tasks. Coroutines become tasks at
/// the call; a future that is given twice counts once.
///
/// A handle of a range that stays with the caller keeps its result, which is copied.
/// *Errors*: awaiting a step throws what that awaitable threw, or TimeoutError once `limit` passed.
/// *Cancellation*: cancels none of them. *Python*: `for next in as_completed(aws): await next`.
template <detail::AwaitableRange Range>
auto as_completed(Range&& awaitables, std::optional<Delay> limit = std::nullopt,
                  std::source_location where = std::source_location::current()) {
    using Element = decltype(detail::element_of<Range>(
        std::declval<std::add_lvalue_reference_t<std::ranges::range_reference_t<Range>>>()));
    using F = decltype(ensure_future(std::declval<Element>()));
    std::vector<AnyFuture> futures;
    for (auto&& awaitable : awaitables) {
        futures.push_back(ensure_future(detail::element_of<Range>(awaitable), where));
    }
    detail::remove_duplicates(futures);
    const std::size_t size = futures.size();
    const auto queue = std::make_shared<detail::CompletionQueue>();
    queue->watch(std::move(futures), limit);
    return AsCompleted<F, detail::result_may_be_taken<Element>()>(queue, size);
}

template <class Range>
    requires(!detail::AwaitableRange<Range>)
void as_completed(Range&&, std::optional<Delay> = std::nullopt) {
    static_assert(detail::AwaitableRange<Range>,
                  "ringio: as_completed() takes a range of awaitables of one type");
}

}  // namespace ringio

// concurrent::wait: blocks until some, or all, of several futures of threads are done. It never
// cancels and never throws what they threw.
#pragma once

#include <ringio/base/delay.hpp>
#include <ringio/concurrent/future.hpp>

#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <ranges>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

namespace ringio {

/// When a wait() for several futures is over. A cancelled one is done, and failed for none of them:
/// `first_exception` goes on until all are done, unless one of them has an exception.
enum class ReturnWhen : unsigned char { all_completed, first_completed, first_exception };

/// How a wait() for several futures, of a loop's or of threads, goes about it.
struct WaitOptions {
    std::optional<Delay> timeout = {};  ///< none: for as long as it takes
    ReturnWhen return_when = ReturnWhen::all_completed;
};

namespace detail {

template <class F>
inline constexpr bool is_concurrent_future = false;
template <class T>
inline constexpr bool is_concurrent_future<concurrent::Future<T>> = true;

template <class Range>
concept ConcurrentFutureRange =
    std::ranges::input_range<Range> &&
    is_concurrent_future<std::remove_cvref_t<std::ranges::range_reference_t<Range>>>;

/// Waits for several concurrent futures, which it watches and does not keep.
/// *Lifetime*: each of them outlives it, until next() has told of it.
class ConcurrentWait {
public:
    using Deadline = std::chrono::steady_clock::time_point;

    /// No timeout, or one that is beyond the end of the clock, is none: Deadline::max().
    static Deadline deadline_after(const std::optional<Delay>& timeout) noexcept;

    explicit ConcurrentWait(const std::vector<ConcurrentStateBase*>& futures);
    ConcurrentWait(const ConcurrentWait&) = delete;
    ConcurrentWait& operator=(const ConcurrentWait&) = delete;
    ~ConcurrentWait();

    /// Gives the place of the next one that has ended, in the order of their ends; null when there
    /// is none until the deadline. To be called once for each at most.
    std::optional<std::size_t> next(Deadline deadline);

    /// Waits as wait() does, and says of each whether it has ended.
    std::vector<bool> wait(ReturnWhen return_when, Deadline deadline);

private:
    class Watcher final : public EndWatcher {
    public:
        void ended(bool failed) noexcept override { wait->on_end(*this, failed); }

        ConcurrentWait* wait = nullptr;
        ConcurrentStateBase* future = nullptr;  // null: may be gone
    };

    void on_end(const Watcher& watcher, bool failed) noexcept;
    bool is_over() const noexcept;
    bool wait_until_over(std::unique_lock<std::mutex>& lock, Deadline deadline);

    std::vector<Watcher> watchers_;
    std::mutex mutex_;  // taken by watchers within the futures' own
    std::condition_variable over_;
    std::vector<std::size_t> ended_;  // their places; guarded, as all that follows
    std::size_t given_ = 0;           // how many of those next() gave
    ReturnWhen return_when_ = ReturnWhen::first_completed;
    bool failed_ = false;
};

/// The futures of a range, each once; taken out of a range that is given away.
/// *Errors*: std::invalid_argument for a handle that refers to none.
template <ConcurrentFutureRange Range>
auto distinct_futures(Range&& range) {
    using Reference = std::ranges::range_reference_t<Range>;
    using F = std::remove_cvref_t<Reference>;
    constexpr bool is_given =
        !std::is_lvalue_reference_v<Range> && !std::ranges::view<std::remove_cvref_t<Range>>;
    std::vector<F> futures;
    std::unordered_set<const void*> seen;
    for (auto&& element : range) {
        F future = [&]() -> F {
            if constexpr (is_given || !std::is_lvalue_reference_v<Reference>) {
                return std::move(element);
            } else {
                return element;
            }
        }();
        if (!future.valid()) {
            throw_no_concurrent_future();
        }
        if (seen.insert(future.shared_state().get()).second) {
            futures.push_back(std::move(future));
        }
    }
    return futures;
}

template <class F>
std::vector<ConcurrentStateBase*> states_of(const std::vector<F>& futures) {
    std::vector<ConcurrentStateBase*> states;
    states.reserve(futures.size());
    for (const F& future : futures) {
        states.push_back(future.shared_state().get());
    }
    return states;
}

}  // namespace detail

namespace concurrent {

using ringio::WaitOptions;

/// What wait() gives: the futures it was given, parted, each once, in the order given.
template <class F>
struct WaitResult {
    WaitResult() = default;
    std::vector<F> done;
    std::vector<F> not_done;
};

/// Blocks the thread until the futures are done as `options` says, or the timeout passes, which is
/// no error. A future that is given twice counts once; without any the result is empty. On a loop's
/// thread use wrap_future() and co_await ringio::wait().
///
/// *Errors*: std::invalid_argument for a handle that refers to no future.
/// *Python*: a future that is cancelled is done at once, not only when its worker has seen it.
template <detail::ConcurrentFutureRange Range>
auto wait(Range&& futures, const WaitOptions& options = {}) {
    const auto deadline = detail::ConcurrentWait::deadline_after(options.timeout);
    auto given = detail::distinct_futures(std::forward<Range>(futures));
    detail::ConcurrentWait waiting(detail::states_of(given));
    const std::vector<bool> ended = waiting.wait(options.return_when, deadline);
    WaitResult<typename decltype(given)::value_type> result;
    for (std::size_t place = 0; place < given.size(); ++place) {
        // Copied: what waits still watches those that are not done.
        (ended[place] ? result.done : result.not_done).push_back(given[place]);
    }
    return result;
}
template <class T>
auto wait(std::initializer_list<Future<T>> futures, const WaitOptions& options = {}) {
    return concurrent::wait(std::vector<Future<T>>(futures), options);
}

template <class A>
    requires(!detail::ConcurrentFutureRange<A>)
void wait(A&&, const WaitOptions& = {}) {
    static_assert(detail::ConcurrentFutureRange<A>,
                  "ringio: concurrent::wait() takes a range of concurrent::Future of one type; "
                  "for tasks there is co_await ringio::wait()");
}

}  // namespace concurrent
}  // namespace ringio

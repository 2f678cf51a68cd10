// concurrent::as_completed: futures of threads, in the order in which they end.
#pragma once

#include <ringio/base/delay.hpp>
#include <ringio/concurrent/next_range.hpp>
#include <ringio/concurrent/wait.hpp>

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

namespace ringio {
namespace detail {

[[noreturn]] void throw_futures_unfinished(std::size_t unfinished, std::size_t all);

}  // namespace detail

namespace concurrent {

/// What as_completed() returns: a range of futures `F`, read once, and a source of the same. One
/// thread reads it. A future that was given out is not kept, so its result may be moved out of the
/// only handle: `for (auto future : as_completed(std::move(futures))) std::move(future).result()`.
template <class F>
class AsCompleted : public detail::NextRange<AsCompleted<F>, F> {
public:
    AsCompleted(std::vector<F> futures, const std::optional<Delay>& timeout)
        : deadline_(detail::ConcurrentWait::deadline_after(timeout)),
          futures_(std::move(futures)),
          left_(futures_.size()),
          waiting_(detail::states_of(futures_)) {}
    AsCompleted(const AsCompleted&) = delete;
    AsCompleted& operator=(const AsCompleted&) = delete;

    /// How many futures there were at the call, each counted once.
    std::size_t size() const noexcept { return futures_.size(); }
    bool empty() const noexcept { return futures_.empty(); }

    /// Blocks until one more has ended, and gives it; nothing when all have been given.
    /// *Errors*: TimeoutError "2 (of 5) futures unfinished" when the time has passed and none has
    /// ended. It may be asked again.
    std::optional<F> next() {
        if (left_ == 0) {
            return std::nullopt;
        }
        const std::optional<std::size_t> place = waiting_.next(deadline_);
        if (!place) {
            detail::throw_futures_unfinished(left_, futures_.size());
        }
        --left_;
        return std::move(futures_[*place]);
    }

private:
    detail::ConcurrentWait::Deadline deadline_;
    std::vector<F> futures_;
    std::size_t left_;
    detail::ConcurrentWait waiting_;  // the last: it looks at the futures
};

/// Gives futures in the order in which they end, cancelled or not; those that are done already
/// first, in the order given. A future that is given twice counts once. The time counts from the
/// call. To read it blocks the thread: on a loop's thread use ringio::as_completed().
///
/// *Errors*: std::invalid_argument for a handle that refers to no future; TimeoutError while it is
/// read. *Cancellation*: cancels none of them.
/// *Python*: what has ended is given also when the time has passed, before the TimeoutError.
template <detail::ConcurrentFutureRange Range>
auto as_completed(Range&& futures, std::optional<Delay> timeout = std::nullopt) {
    auto given = detail::distinct_futures(std::forward<Range>(futures));
    using F = typename decltype(given)::value_type;
    return AsCompleted<F>(std::move(given), timeout);
}
template <class T>
auto as_completed(std::initializer_list<Future<T>> futures,
                  std::optional<Delay> timeout = std::nullopt) {
    return AsCompleted<Future<T>>(detail::distinct_futures(futures), timeout);
}

template <class A>
    requires(!detail::ConcurrentFutureRange<A>)
void as_completed(A&&, std::optional<Delay> = std::nullopt) {
    static_assert(detail::ConcurrentFutureRange<A>,
                  "ringio: concurrent::as_completed() takes a range of concurrent::Future of one "
                  "type; for tasks there is ringio::as_completed()");
}

}  // namespace concurrent
}  // namespace ringio

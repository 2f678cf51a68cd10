// MapResults: what an executor's map() gives: results in the order of the input, while the calls
// run side by side.
#pragma once

#include <ringio/base/delay.hpp>
#include <ringio/base/unique_function.hpp>
#include <ringio/concurrent/future.hpp>
#include <ringio/concurrent/next_range.hpp>
#include <ringio/concurrent/wait.hpp>
#include <ringio/core/callable.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace ringio {
namespace concurrent {

/// How an executor's map() goes on.
struct MapOptions {
    /// For all results, from the call of map(); none: for as long as it takes.
    std::optional<Delay> timeout = {};
    /// How many calls are submitted ahead of the result that is asked for; 0: all, at once.
    /// *Python*: None is 0 here; what is less than 1 is refused there.
    std::size_t buffersize = 0;
};

/// The results of the calls of an executor's map(), in the order of the input: a range that is read
/// once, by one thread. To read it blocks; a value may be moved out: `for (auto value : results)`.
///
/// *Errors*: reading throws, at its place, what a call threw, CancelledError for a call that was
/// cancelled, TimeoutError once the time has passed, and what submitting throws. Then there are no
/// more results.
/// *Cancellation*: after an error, and when this is destroyed after a result was asked for, the
/// calls that have not begun are cancelled; one that runs goes on. *Python*: so it is there; also
/// that results nobody asks for cancel nothing: `pool.map(f, values);` calls f for each.
template <class R>
class MapResults
    : public detail::NextRange<MapResults<R>,
                               std::conditional_t<std::is_void_v<R>, std::monostate, R>> {
public:
    /// The result of a call; void has none, so std::monostate stands for it.
    using value_type = std::conditional_t<std::is_void_v<R>, std::monostate, R>;
    /// Submits the next call and gives its future; nothing when there is no more input.
    using SubmitNext = UniqueFunction<std::optional<Future<R>>()>;

    /// For executors. Submits all calls, or `buffersize` of them; the others as results are read,
    /// in the thread that reads.
    /// *Errors*: what `submit_next` throws; what was submitted before is cancelled.
    MapResults(SubmitNext submit_next, const MapOptions& options)
        : deadline_(detail::ConcurrentWait::deadline_after(options.timeout)),
          is_buffered_(options.buffersize != 0),
          submit_next_(std::move(submit_next)) {
        try {
            for (std::size_t count = 0; count < options.buffersize || !is_buffered_; ++count) {
                if (!submit_one()) {
                    break;
                }
            }
        } catch (...) {
            cancel();
            throw;
        }
    }
    MapResults(MapResults&& other) = default;
    MapResults& operator=(MapResults&&) = delete;
    ~MapResults() {
        if (is_begun_) {
            cancel();
        }
    }

    /// Blocks for the next result, and gives it; nothing after the last one.
    std::optional<value_type> next() {
        is_begun_ = true;
        try {
            if (is_buffered_) {
                submit_one();
            }
            if (futures_.empty()) {
                return std::nullopt;
            }
            Future<R> future = std::move(futures_.front());
            futures_.pop_front();
            return take(future);
        } catch (...) {
            cancel();
            throw;
        }
    }

private:
    /// False when there is no more input.
    bool submit_one() {
        if (!submit_next_) {
            return false;
        }
        std::optional<Future<R>> future = submit_next_();
        if (!future) {
            submit_next_.reset();
            return false;
        }
        futures_.push_back(std::move(*future));
        return true;
    }

    std::optional<value_type> take(Future<R>& future) {
        try {
            if constexpr (std::is_void_v<R>) {
                wait_for(future);
                return std::monostate();
            } else {
                return wait_for(future);
            }
        } catch (...) {
            future.cancel();  // the time has passed
            throw;
        }
    }
    R wait_for(Future<R>& future) {
        if (deadline_ == detail::ConcurrentWait::Deadline::max()) {
            return std::move(future).result();
        }
        return std::move(future).result(deadline_ - std::chrono::steady_clock::now());
    }

    void cancel() noexcept {
        submit_next_.reset();
        while (!futures_.empty()) {
            const Future<R> future = std::move(futures_.front());
            futures_.pop_front();
            future.cancel();
        }
    }

    detail::ConcurrentWait::Deadline deadline_;
    bool is_buffered_;
    bool is_begun_ = false;
    SubmitNext submit_next_;
    std::deque<Future<R>> futures_;
};

}  // namespace concurrent

namespace detail {

/// The type of an input of map(): of a ByMove, the range it refers to.
template <class Range>
using MapRange = std::conditional_t<is_by_move<std::remove_cvref_t<Range>>, Callable<Range>, Range>;

template <class Range>
concept MapInput =
    std::ranges::input_range<MapRange<Range>> && std::ranges::viewable_range<MapRange<Range>>;

/// One input of map(), read one by one, no further than needed. What the range owns is moved out;
/// what stays the caller's is copied.
template <std::ranges::input_range View, bool IsGiven>
class MapReader {
public:
    using Value = std::ranges::range_value_t<View>;

    template <class Range>
    explicit MapReader(Range&& range) : view_(std::views::all(std::forward<Range>(range))) {}
    MapReader(const MapReader&) = delete;
    MapReader& operator=(const MapReader&) = delete;

    /// Goes to the next element; false at the end.
    bool next() {
        if (at_) {
            ++*at_;
        } else {
            at_.emplace(std::ranges::begin(view_));
        }
        return *at_ != std::ranges::end(view_);
    }
    Value take() {
        if constexpr (IsGiven) {
            return Value(std::ranges::iter_move(*at_));
        } else {
            return Value(**at_);
        }
    }

private:
    View view_;
    std::optional<std::ranges::iterator_t<View>> at_;
};

template <class Range>
using MapReaderOf = MapReader<std::views::all_t<MapRange<Range>>,
                              !std::is_lvalue_reference_v<MapRange<Range>> &&
                                  !std::ranges::view<std::remove_cvref_t<MapRange<Range>>>>;
template <class Range>
using MapValue = typename MapReaderOf<Range>::Value;

/// The function of a map(), which all its calls share.
template <class Fn>
class MapFunction {
public:
    explicit MapFunction(Fn function) : function_(std::make_shared<Fn>(std::move(function))) {}

    template <class... Args>
    decltype(auto) operator()(Args&&... args) const {
        return std::apply(*function_, std::forward_as_tuple(std::forward<Args>(args)...));
    }

private:
    std::shared_ptr<const Fn> function_;
};

template <class Fn, class... Ranges>
constexpr void require_map_function() {
    static_assert(std::is_invocable_v<const Callable<Fn>&, MapValue<Ranges>...>,
                  "ringio: map() gives each call an element of each range, as a value, and several "
                  "threads call the one function: it takes no T&, and changes nothing of its own "
                  "(a `mutable` lambda does)");
}

}  // namespace detail
}  // namespace ringio

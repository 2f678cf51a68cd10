// wait: until some, or all, of several futures are done. It never cancels and never throws what
// they threw.
#pragma once

#include <ringio/base/delay.hpp>
#include <ringio/concurrent/wait.hpp>
#include <ringio/core/task.hpp>
#include <ringio/tasks/create_task.hpp>

#include <initializer_list>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

namespace ringio {

/// What wait() gives: the futures it was given, parted, in the order given.
template <class F>
struct WaitResult {
    WaitResult() = default;
    std::vector<F> done;
    std::vector<F> pending;
};

namespace detail {

Task<> wait_for_futures(std::vector<AnyFuture> futures, WaitOptions options);

template <class F>
Task<WaitResult<F>> wait_and_part(std::vector<F> given, WaitOptions options) {
    std::vector<AnyFuture> futures(given.begin(), given.end());
    const std::vector<bool> repeated = find_repeated(futures);
    co_await wait_for_futures(std::move(futures), options);
    WaitResult<F> result;
    for (std::size_t index = 0; index < given.size(); ++index) {
        if (!repeated[index]) {
            std::vector<F>& part = given[index].done() ? result.done : result.pending;
            part.push_back(std::move(given[index]));
        }
    }
    co_return result;
}

}  // namespace detail

/// Waits until the futures or tasks are done as `options` says, or the timeout passes (which is no
/// error). A future that is given twice counts once.
///
/// *Errors*: std::invalid_argument when there is none. *Cancellation*: leaves the futures alone.
/// *Python*: coroutines are refused here, at compile time.
template <std::ranges::input_range Range>
auto wait(Range&& futures, const WaitOptions& options = {}) {
    using F = std::remove_cvref_t<std::ranges::range_reference_t<Range>>;
    static_assert(
        !detail::is_task<F>,
        "ringio: passing coroutines to wait() is forbidden, use create_task() explicitly");
    static_assert(std::derived_from<F, AnyFuture>,
                  "ringio: wait() takes a range of TaskHandle, Future or AnyFuture");
    std::vector<F> given;
    for (auto&& future : futures) {
        given.push_back(future);
    }
    return detail::wait_and_part<F>(std::move(given), options);
}
// GCC 12: a braced list inside a co_await operand is refused; name the vector first.
template <class F>
auto wait(std::initializer_list<F> futures, const WaitOptions& options = {}) {
    return wait(std::vector<F>(futures), options);
}

template <class A>
    requires(!std::ranges::input_range<A>)
detail::Refused wait(A&&, const WaitOptions& = {}) {
    static_assert(std::ranges::input_range<A>,
                  "ringio: wait() takes a range of TaskHandle, Future or AnyFuture");
    return {};
}

}  // namespace ringio

// staggered_race: the same thing tried in several ways, each started a little after the one before
// it; the first success wins. What Happy Eyeballs is made of.
#pragma once

#include <ringio/base/delay.hpp>
#include <ringio/tasks/create_task.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ringio {

/// What staggered_race() gives.
template <class T>
struct StaggeredRaceResult {
    StaggeredRaceResult() = default;

    /// The value of the winner; void has none, so std::monostate stands for it.
    std::optional<std::conditional_t<std::is_void_v<T>, std::monostate, T>> value;
    std::optional<std::size_t> winner_index;
    /// What each that was started threw, in the order given; null for one that returned.
    std::vector<std::exception_ptr> exceptions;
};

namespace detail {

class LoneWait;

/// A race: the part that does not depend on the types.
class StaggeredRace {
public:
    StaggeredRace(std::size_t size, std::optional<Delay> delay) : size_(size), delay_(delay) {}
    StaggeredRace(const StaggeredRace&) = delete;
    StaggeredRace& operator=(const StaggeredRace&) = delete;

    /// Starts one after the other, until there is a winner or none is left, and waits for all that
    /// were started. *Cancellation*, *Errors* (std::bad_alloc, what the loop's task factory
    /// throws): cancels those that run, and waits for them. To be made before the first one is
    /// started: waiting needs no memory then.
    Task<> run();

    std::optional<std::size_t> winner_index;
    std::vector<std::exception_ptr> exceptions;

protected:
    ~StaggeredRace();

    /// Notes the first racer that returned, and cancels the others.
    void win(std::size_t index);
    /// Notes the exception that is being handled as that of a racer.
    void fail(std::size_t index);

private:
    /// Makes the coroutine of one racer, which ends in win() or fail().
    virtual Task<> race(std::size_t index) = 0;

    bool has_next() const noexcept { return !winner_index && racers_.size() < size_; }
    bool must_start_next() const;
    void start_next();
    void on_racer_done(std::size_t index);
    void arm_timer();
    void give_up(std::exception_ptr why);
    void note_change() noexcept;

    std::size_t size_;
    std::optional<Delay> delay_;
    std::vector<TaskHandle<>> racers_;      // those that were started
    std::vector<std::uint64_t> callbacks_;  // on_racer_done(), of each
    std::size_t running_ = 0;
    EventLoop::TimePoint next_start_;
    TimerHandle timer_;            // for the next start
    LoneWait* waiting_ = nullptr;  // while run() waits for a change
    std::exception_ptr given_up_;  // cancelled, or a racer could not be started
};

template <class Fn>
using RaceValue = AwaitValue<std::invoke_result_t<Fn&>>;

template <class Fn>
class StaggeredRaceOf final : public StaggeredRace {
    using T = RaceValue<Fn>;

public:
    StaggeredRaceOf(std::vector<Fn>& functions, std::optional<Delay> delay)
        : StaggeredRace(functions.size(), delay), functions_(functions) {}

    StaggeredRaceResult<T> result;

private:
    Task<> race(std::size_t index) override {
        try {
            if constexpr (std::is_void_v<T>) {
                co_await functions_[index]();
                accept(index);
            } else {
                T value = co_await functions_[index]();
                accept(index, std::move(value));
            }
        } catch (...) {
            fail(index);
        }
    }

    template <class... Value>
    void accept(std::size_t index, Value&&... value) {
        if (!winner_index) {
            result.value.emplace(std::forward<Value>(value)...);
            win(index);
        }
    }

    std::vector<Fn>& functions_;
};

template <class Fn>
Task<StaggeredRaceResult<RaceValue<Fn>>> run_staggered_race(std::vector<Fn> functions,
                                                            std::optional<Delay> delay) {
    StaggeredRaceOf<Fn> race(functions, delay);
    co_await race.run();
    race.result.winner_index = race.winner_index;
    race.result.exceptions = std::move(race.exceptions);
    co_return std::move(race.result);
}

}  // namespace detail

/// Runs coroutine functions until one succeeds. The next one is started when the one started last
/// fails, or `delay` after its start (none: only when it fails). The first that returns wins; the
/// others are cancelled and waited for. With no winner `value` and `winner_index` are empty.
///
/// A racer that returns after another one won has its value dropped. *Errors*: those of the racers
/// are in the result; what the loop's task factory throws comes out. *Cancellation*: cancels those
/// that run and waits for them; a winner is lost. *Python*: asyncio.staggered.staggered_race(),
/// which does not wait for them when cancelled.
template <std::ranges::input_range Range>
auto staggered_race(Range&& functions, std::optional<Delay> delay) {
    using Fn = std::remove_cvref_t<std::ranges::range_reference_t<Range>>;
    static_assert(std::is_invocable_v<Fn&>,
                  "ringio: staggered_race() takes a range of functions that return an awaitable; "
                  "a coroutine that exists already cannot be started later");
    std::vector<Fn> taken;
    for (auto&& function : functions) {
        taken.push_back(function);
    }
    return detail::run_staggered_race<Fn>(std::move(taken), delay);
}

}  // namespace ringio

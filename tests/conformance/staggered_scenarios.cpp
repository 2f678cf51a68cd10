// staggered_race: the same thing tried in several ways, each a little after the one before it.
#include <ringio/tasks.hpp>
#include "scenario.hpp"
#include "telling.hpp"

#include <functional>
#include <stdexcept>

namespace ringio::conformance {
namespace {

using Racer = std::function<Task<std::string>()>;

std::string told(const StaggeredRaceResult<std::string>& result) {
    std::string errors;
    for (const std::exception_ptr& exception : result.exceptions) {
        errors += (errors.empty() ? "" : ", ") + error(exception);
    }
    return (result.value ? *result.value : "None") + " " +
           (result.winner_index ? text(*result.winner_index) : "None") + " [" + errors + "]";
}

Racer sleeping(std::string name, Delay length) {
    return [=] { return sleeper(name, length); };
}
template <class E>
Racer failing_with(std::string name, Delay length, E exception) {
    return [=] { return failing(name, length, exception); };
}

template <class... Racers>
Task<std::string> race(std::optional<Delay> delay, Racers... racers) {
    const std::vector<Racer> functions{std::move(racers)...};
    co_return told(co_await staggered_race(functions, delay));
}

CONFORMS("staggered.empty") {
    log(co_await race(std::nullopt));
    const std::string end = co_await race(1s);
    log(end, now());
}

CONFORMS("staggered.one_successful") {
    auto racing = race(std::nullopt, sleeping("a", 500ms), sleeping("b", 0s));
    log(co_await std::move(racing));
}

CONFORMS("staggered.first_fails_second_succeeds") {
    auto racing = race(std::nullopt, failing_with("a", 500ms, std::invalid_argument("0")),
                       sleeping("b", 500ms));
    log(co_await std::move(racing));
    log(now());
}

CONFORMS("staggered.first_too_slow_second_succeeds") {
    auto racing = race(250ms, sleeping("a", 10s), sleeping("b", 500ms));
    log(co_await std::move(racing));
    log(now());
}

CONFORMS("staggered.none_successful") {
    auto racing = race(std::nullopt, failing_with("a", 0s, std::invalid_argument("a")),
                       failing_with("b", 1s, std::out_of_range("b")));
    log(co_await std::move(racing));
    log(now());
}

CONFORMS("staggered.early_one_wins_late") {
    auto racing = race(250ms, sleeping("a", 625ms), sleeping("b", 10s), sleeping("c", 10s));
    log(co_await std::move(racing));
    log(now());
}

CONFORMS("staggered.failure_hastens_the_next") {
    auto racing = race(1s, failing_with("a", 250ms, std::invalid_argument("a")),
                       sleeping("b", 1500ms), sleeping("c", 9s));
    log(co_await std::move(racing));
    log(now());
}

CONFORMS("staggered.only_the_last_one_started_hastens") {
    auto racing = race(1s, failing_with("a", 1250ms, std::invalid_argument("a")),
                       sleeping("b", 10s), sleeping("c", 500ms));
    log(co_await std::move(racing));
    log(now());
}

CONFORMS("staggered.not_started_are_not_in_the_list") {
    auto racing = race(1s, sleeping("a", 1500ms), sleeping("b", 10s), sleeping("c", 10s));
    log(co_await std::move(racing));
    log(now());
}

CONFORMS("staggered.without_delay_one_at_a_time") {
    auto racing = race(std::nullopt, failing_with("a", 1s, std::invalid_argument("a")),
                       failing_with("b", 1s, std::invalid_argument("b")), sleeping("c", 1s),
                       sleeping("d", 1s));
    log(co_await std::move(racing));
    log(now());
}

CONFORMS("staggered.losers_are_waited_for") {
    const Racer slow = [] { return stubborn("a", 10s, 2s); };
    auto racing = race(250ms, slow, sleeping("b", 500ms));
    log(co_await std::move(racing));
    log(now());
}

CONFORMS("staggered.cancelled") {
    auto task = create_task(race(std::nullopt, sleeping("a", 10s), sleeping("b", 10s)));
    co_await sleep(500ms);
    task.cancel();
    log(co_await ended(task));
    co_await turns(3);
    log(state(task), now());
}

}  // namespace
}  // namespace ringio::conformance

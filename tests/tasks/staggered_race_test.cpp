#include <ringio/tasks/staggered_race.hpp>

#include <support/ends.hpp>

#include "scenario.hpp"

#include <functional>
#include <memory>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

using Racer = std::function<Task<std::string>()>;

/// Logs its start, and takes its time; then gives its name, or throws when it has an error.
struct Course {
    EventLog& log;
    std::string name;
    Delay time;
    std::string error = {};

    Task<std::string> operator()() const { return run(*this); }

    static Task<std::string> run(Course self) {
        self.log(self.name + "+");
        try {
            co_await sleep(self.time);
        } catch (const CancelledError&) {
            self.log(self.name + "!");
            throw;
        }
        if (!self.error.empty()) {
            throw std::runtime_error(self.error);
        }
        co_return self.name;
    }
};

/// "winner index [a, b]", where a dash stands for an empty one.
template <class T>
std::string shown(const StaggeredRaceResult<T>& result) {
    std::string text = result.value ? as_text(*result.value) : "-";
    text += " " + (result.winner_index ? std::to_string(*result.winner_index) : "-") + " [";
    for (const std::exception_ptr& error : result.exceptions) {
        text += (text.back() == '[' ? "" : ", ") + (error ? name_of(error) : "-");
    }
    return text + "]";
}

Task<std::string> raced(std::vector<Racer> racers, std::optional<Delay> delay) {
    const auto result = co_await staggered_race(racers, delay);
    co_return shown(result);
}

Delay now() { return get_running_loop().time().time_since_epoch(); }

}  // namespace

// CPython's test_staggered: test_empty, test_one_successful, test_first_error_second_successful,
// test_first_timeout_second_successful, test_none_successful.

ASYNC_TEST_CASE("staggered_race: of nothing has no winner") {
    const std::vector<Racer> nobody;
    CHECK_AWAIT(raced(nobody, std::nullopt), "- - []");
    CHECK_AWAIT(raced(nobody, 1s), "- - []");
}

ASYNC_TEST_CASE("staggered_race: one that succeeds is the only one that is started") {
    EventLog log;
    const std::vector<Racer> racers{Course{log, "a", 5s}, Course{log, "b", 1s}};
    CHECK_AWAIT(raced(racers, std::nullopt), "a 0 [-]");
    CHECK(log.joined() == "a+");
}

ASYNC_TEST_CASE("staggered_race: the next one is started when one fails") {
    EventLog log;
    const std::vector<Racer> racers{Course{log, "a", 1s, "bad"}, Course{log, "b", 1s}};
    CHECK_AWAIT(raced(racers, std::nullopt), "b 1 [bad, -]");
    CHECK(now() == 2s);
    CHECK_AWAIT(raced(racers, 1h), "b 1 [bad, -]");
    CHECK(now() == 4s);
}

ASYNC_TEST_CASE("staggered_race: the next one is started after the delay; the loser is cancelled") {
    EventLog log;
    const std::vector<Racer> racers{Course{log, "a", 10s}, Course{log, "b", 1s},
                                    Course{log, "c", 1s}};
    CHECK_AWAIT(raced(racers, 2s), "b 1 [CancelledError, -]");
    CHECK(now() == 3s);
    CHECK(log.joined() == "a+ b+ a!");
}

ASYNC_TEST_CASE("staggered_race: with no success there is no winner, and all the errors") {
    EventLog log;
    const std::vector<Racer> racers{Course{log, "a", 1s, "one"}, Course{log, "b", 1s, "two"}};
    CHECK_AWAIT(raced(racers, std::nullopt), "- - [one, two]");
    CHECK_AWAIT(raced(racers, 500ms), "- - [one, two]");
    CHECK(now() == 3500ms);
}

ASYNC_TEST_CASE("staggered_race: an early one may win after later ones have started") {
    EventLog log;
    const std::vector<Racer> racers{Course{log, "a", 5s}, Course{log, "b", 1s, "bad"},
                                    Course{log, "c", 10s}, Course{log, "d", 10s}};
    CHECK_AWAIT(raced(racers, 2s), "a 0 [-, bad, CancelledError]");
    CHECK(now() == 5s);
    CHECK(log.joined() == "a+ b+ c+ c!");  // the failure of b starts c at 3s, d would at 5s
}

ASYNC_TEST_CASE("staggered_race: only a failure of the one started last hastens the next") {
    EventLog log;
    const std::vector<Racer> racers{Course{log, "a", 3s, "bad"}, Course{log, "b", 10s},
                                    Course{log, "c", 1s}};
    CHECK_AWAIT(raced(racers, 2s), "c 2 [bad, CancelledError, -]");
    CHECK(now() == 5s);
}

ASYNC_TEST_CASE("staggered_race: a delay of zero starts them all") {
    EventLog log;
    const std::vector<Racer> racers{Course{log, "a", 3s}, Course{log, "b", 1s},
                                    Course{log, "c", 2s}};
    CHECK_AWAIT(raced(racers, 0s), "b 1 [CancelledError, -, CancelledError]");
    CHECK(log.joined() == "a+ b+ c+ a! c!");
}

ASYNC_TEST_CASE("staggered_race: of two that end in one turn the first wins") {
    EventLog log;
    const std::vector<Racer> racers{Course{log, "a", 1s}, Course{log, "b", 1s}};
    CHECK_AWAIT(raced(racers, 0s), "a 0 [-, CancelledError]");
}

ASYNC_TEST_CASE("staggered_race: cancelled, cancels those that run and waits for them") {
    EventLog log;
    auto slow = [&log]() -> Task<std::string> {
        co_await stubborn(log, "a", 2, 0);
        co_return "never";
    };
    const std::vector<Racer> racers{slow, Course{log, "b", 1h}, Course{log, "c", 1h}};
    auto race = create_task(raced(racers, 1s));
    co_await sleep(1500ms);
    race.cancel();
    CHECK_AWAIT(told(race), "CancelledError");
    CHECK(race.cancelled());
    CHECK(log.joined() == "b+ a cancelled b! a cleaned");
}

ASYNC_TEST_CASE("staggered_race: when the next one cannot be started, the others are waited for") {
    EventLog log;
    auto slow = [&log]() -> Task<std::string> {
        co_await stubborn(log, "a", 2, 0);
        co_return "never";
    };
    const std::vector<Racer> racers{slow, Course{log, "b", 1h}, Course{log, "c", 1h}};
    auto race = create_task(raced(racers, 1s));
    co_await sleep(500ms);
    bool refused = false;
    get_running_loop().set_task_factory([&refused](EventLoop&, const AnyTask&, TaskOptions&) {
        if (!std::exchange(refused, true)) {
            throw std::runtime_error("no task");
        }
    });
    CHECK_AWAIT(told(race), "no task");
    get_running_loop().set_task_factory(nullptr);
    CHECK(log.joined() == "a cancelled a cleaned");
    CHECK(now() == 1s);
}

ASYNC_TEST_CASE("staggered_race: a winner may come before the first step of the next one") {
    EventLog log;
    const std::vector<Racer> racers{Course{log, "a", 1s}, Course{log, "b", 1s}};
    CHECK_AWAIT(raced(racers, 1s), "a 0 [-, CancelledError]");
    CHECK(log.joined() == "a+");
}

ASYNC_TEST_CASE("staggered_race: one that returns in spite of the cancellation has not won") {
    EventLog log;
    auto deaf = [&log]() -> Task<std::string> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            log("deaf");
        }
        co_return "deaf";
    };
    const std::vector<Racer> racers{deaf, Course{log, "b", 1s}};
    CHECK_AWAIT(raced(racers, 1s), "b 1 [-, -]");
    CHECK(log.joined() == "b+ deaf");
}

ASYNC_TEST_CASE("staggered_race: a function that throws at once has failed") {
    EventLog log;
    auto broken = []() -> Task<std::string> { throw std::runtime_error("no coroutine"); };
    const std::vector<Racer> racers{broken, Course{log, "b", 1s}};
    CHECK_AWAIT(raced(racers, std::nullopt), "b 1 [no coroutine, -]");
}

ASYNC_TEST_CASE("staggered_race: of functions without a value; move-only values", "[any_order]") {
    auto wait = []() -> Task<> { co_await sleep(1s); };
    const std::vector quiet{wait};
    const auto done = co_await staggered_race(quiet, std::nullopt);
    CHECK(done.value);
    CHECK(done.winner_index == 0U);
    auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    const std::vector makers{make};
    auto made = co_await staggered_race(makers, std::nullopt);
    CHECK(**made.value == 3);
}

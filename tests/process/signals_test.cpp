// Signals: every signal that comes goes to one who waits, is kept, or is sent on.
#include <ringio/process/signals.hpp>

#include <ringio/core/loop_signals.hpp>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>
#include <support/signal_action.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "../ring/child_process.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using testing::EventLog;

namespace {

Task<> log_next(EventLog& log, Signals& signals, std::string name) {
    try {
        const int number = co_await signals.next();
        log(name + ":" + detail::signal_name(number));
    } catch (const CancelledError&) {
        log(name + ":cancelled");
        throw;
    }
}

void run_one_turn_of(EventLoop& loop) {
    loop.stop();
    loop.run_forever();
}

template <class Action>
std::string text_thrown_by(Action action) {
    try {
        action();
    } catch (const std::exception& error) {
        return error.what();
    }
    return "nothing was thrown";
}

}  // namespace

ASYNC_TEST_CASE("Signals: gives each signal that comes") {
    Signals signals({SIGUSR1, SIGUSR2});
    get_running_loop().call_later(1s, [] { std::raise(SIGUSR2); });
    CHECK_AWAIT(signals.next(), SIGUSR2);
    std::raise(SIGUSR1);
    CHECK_AWAIT(signals.next(), SIGUSR1);
}

// tokio: signal_twice.
ASYNC_TEST_CASE("Signals: the same signal a second time is another one") {
    Signals signals({SIGUSR1});
    for (int round = 0; round < 2; ++round) {
        std::raise(SIGUSR1);
        CHECK_AWAIT(signals.next(), SIGUSR1);
    }
}

ASYNC_TEST_CASE("Signals: what comes while nobody waits is kept, once per number, in its order") {
    Signals signals({SIGUSR1, SIGUSR2, SIGHUP});
    for (const int number : {SIGUSR2, SIGUSR1, SIGUSR2}) {
        std::raise(number);
        co_await sleep(0s);
    }
    CHECK(signals.repr() == "<Signals [SIGHUP, SIGUSR1, SIGUSR2, pending:2]>");
    CHECK(fmt::format("{}", signals) == signals.repr());
    CHECK_AWAIT(signals.next(), SIGUSR2);
    CHECK_AWAIT(signals.next(), SIGUSR1);
    CHECK(signals.repr() == "<Signals [SIGHUP, SIGUSR1, SIGUSR2]>");
}

ASYNC_TEST_CASE("Signals: one that has come is taken without a turn of the loop") {
    Signals signals({SIGUSR1});
    std::raise(SIGUSR1);
    co_await sleep(0s);
    bool turned = false;
    get_running_loop().call_soon([&] { turned = true; });
    CHECK_AWAIT(signals.next(), SIGUSR1);
    CHECK_FALSE(turned);
    co_await sleep(0s);
}

ASYNC_TEST_CASE("Signals: those who wait are served in the order of their coming") {
    EventLog log;
    Signals signals({SIGUSR1, SIGUSR2});
    auto first = create_task(log_next(log, signals, "a"));
    auto second = create_task(log_next(log, signals, "b"));
    co_await sleep(0s);
    CHECK(signals.repr() == "<Signals [SIGUSR1, SIGUSR2, waiters:2]>");
    std::raise(SIGUSR2);
    co_await sleep(1ms);
    CHECK(log.joined() == "a:SIGUSR2");
    std::raise(SIGUSR1);
    co_await second;
    CHECK(log.joined() == "a:SIGUSR2 b:SIGUSR1");
}

ASYNC_TEST_CASE("Signals: who comes late does not overtake one who was woken") {
    EventLog log;
    Signals signals({SIGUSR1, SIGUSR2});
    auto first = create_task(log_next(log, signals, "a"));
    co_await sleep(0s);
    std::raise(SIGUSR1);
    auto second = create_task(log_next(log, signals, "b"));  // runs before the task that is woken
    co_await first;
    CHECK(log.joined() == "a:SIGUSR1");
    std::raise(SIGUSR2);
    co_await second;
    CHECK(log.joined() == "a:SIGUSR1 b:SIGUSR2");
}

ASYNC_TEST_CASE("Signals: a next() that is cancelled takes no signal") {
    EventLog log;
    Signals signals({SIGUSR1});
    auto waits = create_task(log_next(log, signals, "a"));
    co_await sleep(0s);
    waits.cancel();
    CHECK_AWAIT(is_cancelled(waits), true);
    std::raise(SIGUSR1);
    CHECK_AWAIT(signals.next(), SIGUSR1);
    CHECK_AWAIT(text_of<TimeoutError>(wait_for(signals.next(), 1s)), "timed out");
    CHECK(log.joined() == "a:cancelled");
}

ASYNC_TEST_CASE("Signals: one that was on the way to a task that is cancelled goes to the next") {
    EventLog log;
    Signals signals({SIGUSR1});
    auto first = create_task(log_next(log, signals, "a"));
    auto second = create_task(log_next(log, signals, "b"));
    co_await sleep(0s);
    // Handlers run behind what the signals woke: the cancel meets a task that is due.
    get_running_loop().add_signal_handler(SIGUSR2, [&] { first.cancel(); });
    std::raise(SIGUSR1);
    std::raise(SIGUSR2);
    first.cancel();
    co_await second;
    CHECK(log.joined() == "a:cancelled b:SIGUSR1");
    get_running_loop().remove_signal_handler(SIGUSR2);
}

ASYNC_TEST_CASE("Signals: one that was on the way to a cancelled task is kept when nobody waits") {
    EventLog log;
    Signals signals({SIGUSR1});
    std::optional<TaskHandle<>> due;
    // Registered after the receiver: it sees the task woken, and cancels it before its step.
    struct Cancels final : detail::SignalTaker {
        explicit Cancels(std::optional<TaskHandle<>>& victim)
            : SignalTaker(Kind::handler, SignalSet(SIGUSR2)), task(victim) {}
        void take(int) noexcept override { task->cancel(); }
        std::optional<TaskHandle<>>& task;
    };
    Cancels cancels(due);
    detail::LoopSignals::of(get_running_loop()).add(cancels);
    due = create_task(log_next(log, signals, "a"));
    co_await sleep(0s);
    std::raise(SIGUSR1);
    std::raise(SIGUSR2);
    CHECK_AWAIT(is_cancelled(*due), true);
    CHECK(log.joined() == "a:cancelled");
    CHECK(signals.repr() == "<Signals [SIGUSR1, pending:1]>");
    CHECK_AWAIT(signals.next(), SIGUSR1);
}

// trio: open_signal_receiver_no_starvation.
ASYNC_TEST_CASE("Signals: a signal that comes again and again keeps no other one back") {
    Signals signals({SIGUSR1, SIGUSR2});
    std::raise(SIGUSR1);
    std::raise(SIGUSR2);
    std::vector<int> seen;
    for (int round = 0; round < 20; ++round) {
        const int number = co_await signals.next();
        seen.push_back(number);
        std::raise(number);  // at once again
    }
    for (std::size_t at = 1; at < seen.size(); ++at) {
        CHECK(seen[at] != seen[at - 1]);
    }
    static_cast<void>(co_await signals.next());
    static_cast<void>(co_await signals.next());
}

// tokio: notify_both.
ASYNC_TEST_CASE("Signals: two of them that receive the same signal get it each") {
    EventLog log;
    Signals one({SIGUSR1});
    {
        Signals two({SIGUSR1, SIGUSR2});
        auto first = create_task(log_next(log, one, "one"));
        co_await sleep(0s);
        std::raise(SIGUSR1);
        co_await first;
        CHECK_AWAIT(two.next(), SIGUSR1);
        std::raise(SIGUSR1);
        co_await sleep(0s);
    }  // what `two` did not take is not sent again: `one` has got it
    CHECK(signal_action(SIGUSR2) == SIG_DFL);
    CHECK_AWAIT(one.next(), SIGUSR1);
    CHECK(log.joined() == "one:SIGUSR1");
    CHECK_AWAIT(text_of<TimeoutError>(wait_for(one.next(), 1s)), "timed out");
}

// tokio: drop_recv.
ASYNC_TEST_CASE("Signals: one that is destroyed leaves nothing behind, with waits and without") {
    const SignalAction action(SIGUSR1, SIG_IGN);
    EventLog log;
    for (int round = 0; round < 2; ++round) {
        std::optional<Signals> signals;
        signals.emplace(SignalSet(SIGUSR1));
        auto waits = create_task(log_next(log, *signals, "a"));
        co_await sleep(0s);
        waits.cancel();
        CHECK_AWAIT(is_cancelled(waits), true);
        signals.reset();
        CHECK(signal_action(SIGUSR1) == SIG_IGN);
        std::raise(SIGUSR1);
    }
}

// trio: catch_signals_race_condition_on_exit.
TEST_CASE("Signals: what nobody took is sent again when it ends, looked at or not") {
    static std::vector<int> direct;
    direct.clear();
    const SignalAction usr1(SIGUSR1, [](int number) { direct.push_back(number); });
    const SignalAction usr2(SIGUSR2, [](int number) { direct.push_back(number); });
    const SignalAction hup(SIGHUP, SIG_IGN);
    auto program = []() -> Task<> {
        Signals signals({SIGUSR1, SIGUSR2, SIGHUP});
        std::raise(SIGUSR1);
        co_await sleep(0s);
        std::raise(SIGUSR2);  // the loop does not look at it any more
        std::raise(SIGHUP);
        CHECK(direct.empty());
    };
    testing::run_virtual(program());
    CHECK(direct == std::vector<int>{SIGUSR1, SIGUSR2});
}

TEST_CASE("Signals: what nobody took does what it would have done: SIGTERM ends the process") {
    const testing::ChildResult child = testing::run_in_child([] {
        const SignalAction action(SIGTERM);
        auto program = []() -> Task<> {
            {
                Signals signals({SIGTERM});
                std::raise(SIGTERM);
                co_await sleep(1ms);
                std::fputs("alive", stderr);
            }
            std::fputs(" still", stderr);
        };
        run(program());
    });
    CHECK(child.text == "alive");
    REQUIRE(WIFSIGNALED(child.status));
    CHECK(WTERMSIG(child.status) == SIGTERM);
}

TEST_CASE("Signals: receives SIGINT in the place of Ctrl-C, as long as it lives") {
    const SignalAction action(SIGINT);
    auto program = []() -> Task<std::string> {
        std::string text;
        {
            Signals signals({SIGINT});
            for (int round = 0; round < 3; ++round) {
                std::raise(SIGINT);
                const int number = co_await signals.next();
                text += detail::signal_name(number) + " ";
            }
            std::raise(SIGINT);
        }  // and this one is run()'s
        try {
            co_await sleep(1h);
        } catch (const CancelledError& error) {
            text += error.source().text();
        }
        co_return text;
    };
    CHECK(run(program()) == "SIGINT SIGINT SIGINT cancelled by Ctrl-C");
    CHECK(signal_action(SIGINT) == SIG_DFL);
}

ASYNC_TEST_CASE("Signals: and a handler for the same signal do not go together") {
    EventLoop& loop = get_running_loop();
    loop.add_signal_handler(SIGUSR2, [] {});
    CHECK(text_thrown_by([] { Signals signals({SIGUSR1, SIGUSR2}); }) ==
          "sig 12 has a handler on this event loop already");
    CHECK(signal_action(SIGUSR1) == SIG_DFL);
    Signals signals({SIGUSR1});
    CHECK(text_thrown_by([&] { loop.add_signal_handler(SIGUSR1, [] {}); }) ==
          "sig 10 has a Signals object on this event loop already");
    CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
    CHECK(loop.remove_signal_handler(SIGUSR2));
    std::raise(SIGUSR1);
    CHECK_AWAIT(signals.next(), SIGUSR1);
}

ASYNC_TEST_CASE("Signals: what cannot be received is refused, and then none is") {
    CHECK(text_thrown_by([] { Signals signals({}); }) ==
          "Signals needs at least one signal to receive");
    CHECK(text_thrown_by([] { Signals signals({SIGUSR1, 77}); }) == "invalid signal number 77");
    CHECK(text_thrown_by([] { Signals signals({SIGKILL}); }) == "sig 9 cannot be caught");
    // Numbers are claimed from the lowest on: the first is given back.
    CHECK(text_thrown_by([] { Signals signals({SIGHUP, SIGSTOP}); }) == "sig 19 cannot be caught");
    CHECK(signal_action(SIGHUP) == SIG_DFL);
    CHECK(signal_action(SIGUSR1) == SIG_DFL);
    co_return;
}

// tokio: multi_rt. There every runtime hears of a signal; here one loop has it, and others are
// told.
TEST_CASE("Signals: outside of a loop, and on two loops, is refused with a sentence") {
    CHECK(text_thrown_by([] { Signals signals({SIGUSR1}); }) == "no running event loop");
    EventLoop loop;
    Signals signals(loop, {SIGUSR1});
    EventLoop other;
    CHECK(text_thrown_by([&] { Signals again(other, {SIGUSR2, SIGUSR1}); }) ==
          "sig 10 is handled by another event loop already");
    CHECK(signal_action(SIGUSR2) == SIG_DFL);
    auto wait = [](Signals& elsewhere) -> Task<> { co_await elsewhere.next(); };
    CHECK(text_thrown_by([&] { other.run_until_complete(wait(signals)); }) ==
          "Signals is bound to a different event loop");
    std::raise(SIGUSR1);
    auto take = [](Signals& mine) -> Task<int> { co_return co_await mine.next(); };
    CHECK(loop.run_until_complete(take(signals)) == SIGUSR1);
    loop.close();
    CHECK(text_thrown_by([&] { Signals again(loop, {SIGUSR1}); }) == "Event loop is closed");
}

TEST_CASE("Signals: may outlive its loop, which has given the signals back") {
    std::optional<Signals> signals;
    {
        EventLoop loop;
        signals.emplace(loop, SignalSet(SIGUSR1));
    }
    CHECK(signal_action(SIGUSR1) == SIG_DFL);
    signals.reset();
}

TEST_CASE("Signals: two loops on two threads receive different signals") {
    auto receive = [](int number) -> Task<int> {
        Signals signals({number});
        ::kill(::getpid(), number);
        co_return co_await signals.next();
    };
    int other = 0;
    std::thread thread([&] { other = run(receive(SIGUSR2)); });
    CHECK(run(receive(SIGUSR1)) == SIGUSR1);
    thread.join();
    CHECK(other == SIGUSR2);
}

TEST_CASE("Signals: a loop that waits only for them is no deadlock") {
    auto program = []() -> Task<int> {
        Signals signals({SIGUSR1});
        std::thread([] {
            std::this_thread::sleep_for(1ms);
            ::kill(::getpid(), SIGUSR1);
        }).detach();
        co_return co_await signals.next();
    };
    CHECK(run(program(), {.debug = true}) == SIGUSR1);
}

TEST_CASE("Signals: in the child of a fork() it is without effect") {
    auto program = []() -> Task<testing::ChildResult> {
        auto signals = std::make_unique<Signals>(SignalSet(SIGUSR1));
        std::raise(SIGUSR1);
        co_await sleep(0s);
        testing::ChildResult child = testing::run_in_child([&] {
            std::signal(SIGUSR1, SIG_DFL);
            signals.reset();
            std::fputs("alive", stderr);
        });
        CHECK_AWAIT(signals->next(), SIGUSR1);
        co_return child;
    };
    const testing::ChildResult child = run(program());
    CHECK(child.status == 0);
    CHECK(child.text == "alive");
}

TEST_CASE("Signals: in the child of a fork() it may outlive its loop, which has gone") {
    auto loop = std::make_unique<EventLoop>();
    auto signals = std::make_unique<Signals>(*loop, SignalSet(SIGUSR1));
    run_one_turn_of(*loop);
    const testing::ChildResult child = testing::run_in_child([&] {
        loop.reset();
        signals.reset();
        std::fputs("alive", stderr);
    });
    CHECK(child.status == 0);
    CHECK(child.text == "alive");
}

// GCC 12 refuses an initializer_list in a co_await expression.
ASYNC_TEST_CASE("Signals: can be made and awaited in one expression") {
    get_running_loop().call_soon([] { std::raise(SIGUSR1); });
    const int number = co_await Signals({SIGUSR1}).next();
    CHECK(number == SIGUSR1);
    get_running_loop().call_soon([] { std::raise(SIGUSR2); });
    const int other = co_await Signals({SIGUSR1, SIGUSR2}).next();
    CHECK(other == SIGUSR2);
}

// Of those who take the same signal, who is given it.
#include <ringio/core/signal_taker.hpp>

#include <ringio/core/loop_signals.hpp>
#include <ringio/testing/event_log.hpp>
#include <support/signal_action.hpp>

#include <csignal>
#include <memory>
#include <optional>

#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using detail::LoopSignals;

namespace {

class LogsSignals final : public detail::SignalTaker {
public:
    LogsSignals(Kind kind, SignalSet signals, testing::EventLog& log, std::string name)
        : SignalTaker(kind, signals), log_(log), name_(std::move(name)) {}
    void take(int number) noexcept override { log_(name_ + ":" + detail::signal_name(number)); }

private:
    testing::EventLog& log_;
    std::string name_;
};

using Kind = LogsSignals::Kind;

}  // namespace

TEST_CASE("signal taker: what the library does gives way to the program, and comes back") {
    const SignalAction action(SIGINT);
    EventLoop loop;
    testing::EventLog log;
    LoopSignals& signals = LoopSignals::of(loop);
    LogsSignals tool(Kind::tool, {SIGUSR1, SIGUSR2}, log, "tool");
    LogsSignals run(Kind::cancel_on, {SIGUSR1}, log, "run");
    signals.add(run);
    signals.add(tool);
    const auto raise_both = [&] {
        std::raise(SIGUSR1);
        std::raise(SIGUSR2);
        run_one_turn(loop);
        log("|");
    };
    raise_both();
    {
        LogsSignals program(Kind::receiver, {SIGUSR1, SIGUSR2}, log, "one");
        LogsSignals another(Kind::receiver, {SIGUSR2}, log, "two");
        signals.add(program);
        signals.add(another);
        raise_both();
    }
    raise_both();
    CHECK(log.joined() ==
          "run:SIGUSR1 tool:SIGUSR2 | one:SIGUSR1 one:SIGUSR2 two:SIGUSR2 | "
          "run:SIGUSR1 tool:SIGUSR2 |");
}

TEST_CASE("signal taker: only what somebody asked for is expected to wake a loop") {
    testing::EventLog log;
    const auto expected = [&](Kind kind) {
        return LogsSignals(kind, {SIGUSR1}, log, "").is_expected();
    };
    CHECK_FALSE(expected(Kind::tool));
    CHECK_FALSE(expected(Kind::ctrl_c));
    CHECK(expected(Kind::cancel_on));
    CHECK(expected(Kind::handler));
    CHECK(expected(Kind::receiver));
}

TEST_CASE("signal taker: may be destroyed before its loop, and after it") {
    testing::EventLog log;
    std::optional<EventLoop> loop(std::in_place);
    LogsSignals last(Kind::receiver, {SIGUSR1}, log, "last");
    LoopSignals::of(*loop).add(last);
    {
        LogsSignals first(Kind::receiver, {SIGUSR2}, log, "first");
        LoopSignals::of(*loop).add(first);
        CHECK(signal_action(SIGUSR2) != SIG_DFL);
    }
    CHECK(signal_action(SIGUSR2) == SIG_DFL);
    loop.reset();
    CHECK(signal_action(SIGUSR1) == SIG_DFL);
}

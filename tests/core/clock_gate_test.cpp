#include <ringio/core/clock_gate.hpp>

#include <ringio/core.hpp>
#include <ringio/tasks.hpp>
#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace ringio;
using namespace std::chrono_literals;

namespace {

void pass_time(std::chrono::nanoseconds duration) {
    for (const auto end = Clock::now() + duration; Clock::now() < end;) {
    }
}

}  // namespace

TEST_CASE("clock gate: open unless it was shut for that deadline or an earlier one") {
    const Clock::time_point now = Clock::now();
    detail::ClockGate gate;
    CHECK_FALSE(gate.is_shut(now + 1h));
    gate.shut(now, now + 1h);
    CHECK(gate.is_shut(now + 1h) == gate.is_shut(now + 2h));
    CHECK_FALSE(gate.is_shut(now + 59min));
    gate.shut(now, now);
    CHECK_FALSE(gate.is_shut(now + 1h));
}

TEST_CASE("clock gate: never shut when the deadline has come") {
    detail::ClockGate gate;
    for (int round = 0; round < 200; ++round) {
        const Clock::time_point deadline = Clock::now() + round * 100ns;
        gate.shut(Clock::now(), deadline);
        for (bool shut = true; shut;) {
            const Clock::time_point looked = Clock::now();  // before the gate does
            shut = gate.is_shut(deadline);
            CHECK((!shut || looked < deadline));
        }
        pass_time(200ns);
    }
}

TEST_CASE("timers: one that comes due in a step fires in the next turn, after what is ready") {
    std::vector<std::string> events;
    run([](std::vector<std::string>* log) -> Task<> {
        EventLoop& loop = get_running_loop();
        loop.call_later(1h, [] {});
        co_await sleep(0s);  // the gate is shut for an hour
        loop.call_later(1ms, [log] { log->push_back("timer"); });
        co_await sleep(0s);
        pass_time(2ms);
        loop.call_soon([log] { log->push_back("soon"); });
        co_await sleep(0s);
        log->push_back("task");
        co_await sleep(0s);
        log->push_back("end");
    }(&events));
    CHECK(events == std::vector<std::string>{"soon", "task", "timer", "end"});
}

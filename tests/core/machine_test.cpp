// The machine of a loop, as the layers above use it.
#include <ringio/core/machine.hpp>

#include <ringio/core.hpp>
#include <ringio/testing.hpp>
#include <support/catch.hpp>

#include <stdexcept>
#include <vector>

using namespace ringio;
using ringio::testing::EventLog;

namespace {

class LoggedEnd final : public TurnEnd {
public:
    LoggedEnd(EventLog& events, const char* name) : events_(events), name_(name) {}
    void end_turn() noexcept override { events_(name_); }

private:
    EventLog& events_;
    const char* name_;
};

}  // namespace

TEST_CASE("machine: what is asked for at the turn's end is done once, after all that was ready") {
    EventLog events;
    EventLoop loop;
    LoggedEnd end(events, "end");
    {
        LoggedEnd gone(events, "gone");
        loop.machine().at_turn_end(gone);
    }
    for (const char* name : {"a", "b"}) {
        loop.call_soon([&, name] {
            events(name);
            loop.machine().at_turn_end(end);
        });
    }
    loop.call_soon([&] {
        loop.call_soon([&] {
            events("next turn");
            loop.stop();
        });
    });
    loop.run_forever();
    loop.machine().at_turn_end(end);  // between two runs: as the next one begins
    loop.call_soon([&] {
        events("again");
        loop.stop();
    });
    loop.run_forever();
    CHECK(events.events() ==
          std::vector<std::string>{"a", "b", "end", "next turn", "end", "again"});
}

TEST_CASE("machine: it is found at no cost, for it is the first of its loop") {
    EventLoop loop;
    CHECK(static_cast<void*>(&loop.machine()) == static_cast<void*>(&loop));
    CHECK(loop.machine().anchor()->loop == &loop);
}

TEST_CASE("machine: the answers at once of a turn are numbered, and refilled in the next one") {
    EventLoop loop;
    detail::Machine& machine = loop.machine();
    std::vector<int> taken;
    std::vector<std::uint32_t> turns;
    auto take_all = [&] {
        int count = 0;
        while (machine.take_immediate_budget()) {
            ++count;
        }
        taken.push_back(count);
        turns.push_back(machine.turn());
    };
    loop.call_soon([&] {
        take_all();
        take_all();
        loop.call_soon([&] {
            take_all();
            loop.stop();
        });
    });
    loop.run_forever();
    CHECK(taken == std::vector<int>{Turn::immediate_answers, 0, Turn::immediate_answers});
    CHECK(turns[0] == turns[1]);
    CHECK(turns[2] == turns[0] + 1);
}

TEST_CASE("machine: what escapes leaves the run at the end of the step, and the rest runs later") {
    EventLoop loop;
    EventLog events;
    loop.call_soon([&] {
        loop.machine().escape(std::make_exception_ptr(std::runtime_error("escaped")));
        events("step");
    });
    loop.call_soon([&] {
        events("rest");
        loop.stop();
    });
    CHECK_THROWS_AS(loop.run_forever(), std::runtime_error);
    CHECK(events.joined() == "step");
    loop.run_forever();
    CHECK(events.joined() == "step rest");
}

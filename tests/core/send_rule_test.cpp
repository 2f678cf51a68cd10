#include <ringio/core/send_rule.hpp>

#include <ringio/base/scope_exit.hpp>
#include <ringio/core/event_loop.hpp>
#include <support/catch.hpp>

#include <cstdlib>

using namespace ringio;

namespace {

/// How many of so many senders of a turn may send at once.
unsigned at_once(detail::SendRule& rule, std::uint32_t turn, unsigned senders) {
    unsigned count = 0;
    for (unsigned sender = 0; sender < senders; ++sender) {
        count += rule.may_send_at_once(turn) ? 1U : 0U;
    }
    return count;
}

bool sends_together(const LoopOptions& options) {
    EventLoop loop(options);
    static_cast<void>(loop.kernel_name());  // it is the kernel that decides, where nobody says
    for (unsigned sender = 0; sender < detail::SendRule::several; ++sender) {
        loop.machine().may_send_at_once();
    }
    bool together = false;
    loop.call_soon([&] {
        together = !loop.machine().may_send_at_once();
        loop.stop();
    });
    loop.run_forever();
    return together;
}

}  // namespace

TEST_CASE("send rule: where calls are cheap, everybody sends at once") {
    detail::SendRule rule;
    CHECK(at_once(rule, 1, 100) == 100);
    CHECK(at_once(rule, 2, 100) == 100);
}

TEST_CASE("send rule: where calls are dear, several senders in a turn have the next ones wait") {
    detail::SendRule rule;
    rule.set_calls_are_dear(true);
    CHECK(at_once(rule, 1, 4) == 4);
    CHECK(at_once(rule, 2, 4) == 0);
    CHECK(at_once(rule, 7, 1) == 0);  // turns without senders do not count
    CHECK(at_once(rule, 8, 3) == 3);
    CHECK(at_once(rule, 9, 3) == 3);
}

TEST_CASE("send rule: what calls cost is measured once") {
    const bool dear = detail::SendRule::measure_whether_calls_are_dear();
    CHECK(detail::SendRule::measure_whether_calls_are_dear() == dear);
}

TEST_CASE("send rule: the options decide, else the environment, else virtual time") {
    const ScopeExit leave([] { ::unsetenv("RINGIO_SEND_TOGETHER"); });
    CHECK_FALSE(sends_together({.virtual_time = true}));
    CHECK(sends_together({.virtual_time = true, .send_together = true}));
    ::setenv("RINGIO_SEND_TOGETHER", "1", 1);
    CHECK(sends_together({}));
    CHECK_FALSE(sends_together({.send_together = false}));
    ::setenv("RINGIO_SEND_TOGETHER", "0", 1);
    CHECK_FALSE(sends_together({}));
    CHECK(sends_together({.send_together = true}));
}

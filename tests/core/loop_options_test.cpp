#include <ringio/core/loop_options.hpp>

#include <ringio/base/scope_exit.hpp>
#include <ringio/core/event_loop.hpp>
#include <support/catch.hpp>

#include <cstdlib>

using namespace ringio;

TEST_CASE("loop options: what they leave open, the environment says") {
    const ScopeExit leave([] { ::unsetenv("RINGIO_DEBUG"); });
    ::setenv("RINGIO_DEBUG", "1", 1);
    CHECK(EventLoop().get_debug());
    CHECK_FALSE(EventLoop(LoopOptions{.debug = false}).get_debug());
    ::setenv("RINGIO_DEBUG", "0", 1);
    CHECK_FALSE(EventLoop().get_debug());
    ::unsetenv("RINGIO_DEBUG");
    CHECK(EventLoop(LoopOptions{.debug = true}).get_debug());
}

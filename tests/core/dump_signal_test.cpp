// RINGIO_DUMP_SIGNAL, which is looked at when a loop is made: in children, so that it is theirs
// alone.
#include <ringio/core/dump_signal.hpp>

#include <support/signal_action.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "../ring/child_process.hpp"
#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

/// Runs `body` in a child where the variable has a value.
template <class Body>
testing::ChildResult with_dump_signal(const char* value, Body body) {
    return testing::run_in_child([&] {
        ::setenv("RINGIO_DUMP_SIGNAL", value, 1);
        body();
    });
}

Task<> raises_and_goes_on(int number) {
    co_await sleep(0s);
    std::raise(number);
    co_await sleep(1ms);
    std::fputs("went on\n", stderr);
}

}  // namespace

TEST_CASE("RINGIO_DUMP_SIGNAL: a loop prints its tasks at the signal, and goes on") {
    for (const char* const name : {"USR1", "SIGUSR1", "10"}) {
        const testing::ChildResult child =
            with_dump_signal(name, [] { run(raises_and_goes_on(SIGUSR1)); });
        CHECK(child.status == 0);
        CHECK_THAT(child.text, Catch::Matchers::StartsWith("1 task is not done\n* Task 'Task-") &&
                                   Catch::Matchers::Contains("waits in sleep") &&
                                   Catch::Matchers::EndsWith("went on\n"));
    }
}

TEST_CASE("RINGIO_DUMP_SIGNAL: what is no signal, or none to be had, is told when a loop is made") {
    for (const char* const text : {"FOO", "usr1", "0", "65", "KILL", "SEGV"}) {
        const testing::ChildResult child = with_dump_signal(text, [] {
            std::fputs(thrown<std::invalid_argument>([] { EventLoop loop; }).c_str(), stderr);
        });
        CHECK(child.text ==
              "RINGIO_DUMP_SIGNAL must be the name or the number of a signal that a loop can "
              "handle, such as USR1; it is \"" +
                  std::string(text) + "\"");
    }
    const testing::ChildResult unset = with_dump_signal("", [] { run(sleep(0s)); });
    CHECK(unset.text == "");
}

TEST_CASE("RINGIO_DUMP_SIGNAL: gives way to a handler of the program's, and comes back") {
    const testing::ChildResult child = with_dump_signal("USR1", [] {
        auto program = []() -> Task<> {
            EventLoop& loop = get_running_loop();
            loop.add_signal_handler(SIGUSR1, [] { std::fputs("mine\n", stderr); });
            co_await raises_and_goes_on(SIGUSR1);
            loop.remove_signal_handler(SIGUSR1);
            co_await raises_and_goes_on(SIGUSR1);
        };
        run(program());
    });
    CHECK_THAT(child.text, Catch::Matchers::StartsWith("mine\nwent on\n1 task is not done\n"));
}

TEST_CASE("RINGIO_DUMP_SIGNAL: the first loop has it, the next one when that has closed") {
    const testing::ChildResult child = with_dump_signal("USR1", [] {
        {
            EventLoop first;
            run_one_turn(first);
            run(sleep(0s));
            std::fputs(signal_action(SIGUSR1) != SIG_DFL ? "first\n" : "nobody\n", stderr);
        }
        std::fputs(signal_action(SIGUSR1) == SIG_DFL ? "nobody\n" : "first\n", stderr);
        run(raises_and_goes_on(SIGUSR1));
    });
    CHECK_THAT(child.text, Catch::Matchers::StartsWith("first\nnobody\n1 task is not done\n"));
}

// A KeyboardInterrupt: what cannot swallow it, and how a program ends that lets it out.
#include "scenario.hpp"

#include <support/printed.hpp>

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<> interrupted_when_cancelled() {
    bool cancelled = false;
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        cancelled = true;
    }
    if (cancelled) {
        throw KeyboardInterrupt();
    }
}

Task<int> leave_a_task(bool fail) {
    create_task(interrupted_when_cancelled());
    co_await sleep(0s);
    if (fail) {
        throw std::runtime_error("bad");
    }
    co_return 1;
}

Task<> throw_interrupt() {
    co_await sleep(0s);
    throw KeyboardInterrupt();
}

Task<> catch_what_is_an_error(bool& caught) {
    try {
        co_await throw_interrupt();
    } catch (const std::exception&) {
        caught = true;
    }
}

/// Runs `program` in a child; gives what waitpid() says of it.
template <class Program>
int status_after(Program program) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGINT, SIG_DFL);
        std::signal(SIGABRT, SIG_DFL);
        static_cast<void>(std::freopen("/dev/null", "w", stderr));
        ::_exit(program());
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return status;
}

Task<> be_interrupted() {
    std::raise(SIGINT);
    co_await sleep(1h);
}

}  // namespace

TEST_CASE("KeyboardInterrupt: run() lets one out that came while it cleaned up") {
    const testing::Balance balance;
    CHECK(thrown_by([] { run(leave_a_task(false)); }) == "KeyboardInterrupt");
    CHECK(thrown_by([] { run(leave_a_task(true)); }) == "KeyboardInterrupt");
    CHECK(balance.difference() == "");
}

TEST_CASE("KeyboardInterrupt: close() of a Runner throws it, its destructor reports it") {
    Runner runner;
    CHECK(runner.run(leave_a_task(false)) == 1);
    CHECK(thrown_by([&] { runner.close(); }) == "KeyboardInterrupt");
    const std::string text = printed([] {
        Runner other;
        other.run(leave_a_task(false));
    });
    CHECK_THAT(text, Catch::Matchers::Contains("Runner: the loop could not be closed in order") &&
                         Catch::Matchers::Contains("ringio::KeyboardInterrupt"));
}

TEST_CASE("KeyboardInterrupt: no `catch (const std::exception&)` swallows it") {
    bool caught = false;
    CHECK(thrown_by([&] { run(catch_what_is_an_error(caught)); }) == "KeyboardInterrupt");
    CHECK_FALSE(caught);
}

TEST_CASE("KeyboardInterrupt: out of a main() of one's own it is std::terminate, or caught, 130") {
    const int terminated = status_after([]() noexcept {
        run(be_interrupted());
        return 0;
    });
    REQUIRE(WIFSIGNALED(terminated));
    CHECK(WTERMSIG(terminated) == SIGABRT);
    const int caught = status_after([] {
        try {
            run(be_interrupted());
        } catch (const KeyboardInterrupt&) {
            return 130;
        }
        return 0;
    });
    REQUIRE(WIFEXITED(caught));
    CHECK(WEXITSTATUS(caught) == 130);
}

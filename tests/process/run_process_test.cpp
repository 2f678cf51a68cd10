#include <ringio/process/run_process.hpp>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>

#include <csignal>
#include <string>
#include <utility>

#include <sys/wait.h>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

bool is_childless() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

// In real time: a program's end is no event of a virtual clock.
template <class Body>
void in_real_time(Body body) {
    REQUIRE(is_childless());  // else one that the process was born with is waited for, for ever
    const testing::Balance balance;
    run(body());
    CHECK(balance.difference() == "");
    CHECK(is_childless());
}

}  // namespace

ASYNC_TEST_CASE("run_process: gives the exit status and what was captured") {
    const CompletedProcess done = co_await run_process({"sh", "-c", "cat; echo err >&2"},
                                                       {.capture_output = true, .input = "in"});
    CHECK(done.returncode == 0);
    CHECK(done.std_out == "in");
    CHECK(done.std_err == "err\n");
    CHECK(done.command.to_string() == "sh -c 'cat; echo err >&2'");
    const CompletedProcess quiet = co_await run_process({"true"});
    CHECK(quiet.std_out.empty());
}

ASYNC_TEST_CASE("run_process: an exit status other than 0 is an error, unless it is not checked") {
    CHECK_AWAIT(text_of<CalledProcessError>(run_process({"sh", "-c", "exit 3"})),
                "Command 'sh -c 'exit 3'' returned non-zero exit status 3.");
    CHECK_AWAIT(text_of<CalledProcessError>(run_process({"sh", "-c", "kill -9 $$"})),
                "Command 'sh -c 'kill -9 $$'' died with SIGKILL.");
    std::string output;
    try {
        co_await run_process({"sh", "-c", "echo why >&2; exit 3"}, {.capture_output = true});
    } catch (const CalledProcessError& error) {
        output = error.process().std_err;
        CHECK(error.returncode() == 3);
    }
    CHECK(output == "why\n");
    const CompletedProcess unchecked = co_await run_process({"false"}, {.check = false});
    CHECK(unchecked.returncode == 1);
}

ASYNC_TEST_CASE("run_process: refuses what contradicts itself") {
    CHECK_THROWS_WITH(run_process({"cat"}, {.input = "x", .std_in = Stdio::null}),
                      "std_in and input may not both be used");
    CHECK_THROWS_WITH(run_process({"cat"}, {.capture_output = true, .std_out = Stdio::null}),
                      "std_out and std_err may not be used with capture_output");
    CHECK_THROWS_AS(run_process({}), std::invalid_argument);
    co_return;
}

TEST_CASE("run_process: after its timeout the program is ended") {
    in_real_time([]() -> Task<> {
        CHECK_AWAIT(text_of<TimeoutError>(run_process({"sleep", "1000"}, {.timeout = 10ms})),
                    "Command 'sleep 1000' timed out after 0.01 seconds");
        CHECK(is_childless());
    });
}

TEST_CASE("run_process: cancelled, it ends the program first") {
    in_real_time([]() -> Task<> {
        auto running = create_task(run_process({"sleep", "1000"}));
        co_await turns(5);
        running.cancel();
        CHECK_AWAIT(is_cancelled(running), true);
        CHECK(is_childless());
    });
}

TEST_CASE("run_process: a program that ignores SIGTERM is killed") {
    void (*const before)(int) = std::signal(SIGTERM, SIG_IGN);  // programs inherit that
    in_real_time([]() -> Task<> {
        auto running = create_task(run_process({"sleep", "1000"}, {.kill_after = 10ms}));
        co_await turns(5);
        running.cancel();
        CHECK_AWAIT(is_cancelled(running), true);
        CHECK(is_childless());
    });
    std::signal(SIGTERM, before);
}

TEST_CASE("run_process: cancelled again it does not wait for a program that ignores SIGTERM") {
    void (*const before)(int) = std::signal(SIGTERM, SIG_IGN);
    in_real_time([]() -> Task<> {
        auto running = create_task(run_process({"sleep", "1000"}, {.kill_after = 1h}));
        co_await turns(5);
        running.cancel();
        co_await turns(5);
        CHECK_FALSE(running.done());
        running.cancel();
        CHECK_AWAIT(is_cancelled(running), true);
        while (!is_childless()) {
            co_await turns(1);
        }
    });
    std::signal(SIGTERM, before);
}

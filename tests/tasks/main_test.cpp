// detail::run_main(), what main.hpp makes main() of. That header itself defines main().
#include "scenario.hpp"

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>

namespace ringio::detail {

int run_main(Task<int> (*program)(int, char**), int argc, char** argv);

}  // namespace ringio::detail

using namespace ringio;

namespace {

/// Runs `program` as a process; gives what waitpid() says of it.
int status_of(Task<int> (*program)(int, char**)) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGINT, SIG_DFL);
        static_cast<void>(std::freopen("/dev/null", "w", stderr));
        char name[] = "program";
        char* arguments[] = {name, nullptr};
        ::_exit(detail::run_main(program, 1, arguments));
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return status;
}

Task<int> count_arguments(int argc, char** argv) {
    co_await sleep(Delay());
    co_return argc * 10 + (std::string(argv[0]) == "program" ? 1 : 0);
}

Task<int> fail(int, char**) {
    co_await sleep(Delay());
    throw std::runtime_error("bad");
}

Task<int> interrupt(int, char**) {
    std::raise(SIGINT);
    co_await sleep(std::chrono::hours(1));
    co_return 0;
}

Task<int> cancel(int, char**) {
    current_task().cancel();
    co_await sleep(Delay());
    co_return 0;
}

}  // namespace

TEST_CASE("main: the result of co_main is the exit status, and it gets the arguments") {
    char name[] = "program";
    char* arguments[] = {name, nullptr};
    CHECK(detail::run_main(count_arguments, 1, arguments) == 11);
}

TEST_CASE("main: an exception, or a cancellation, gives status 1") {
    const int failed = status_of(fail);
    REQUIRE(WIFEXITED(failed));
    CHECK(WEXITSTATUS(failed) == 1);
    const int cancelled = status_of(cancel);
    REQUIRE(WIFEXITED(cancelled));
    CHECK(WEXITSTATUS(cancelled) == 1);
}

TEST_CASE("main: after Ctrl-C the process ends by SIGINT") {
    const int status = status_of(interrupt);
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGINT);
}

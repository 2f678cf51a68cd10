#include <ringio/base/assert.hpp>

#include <support/catch.hpp>

#include <csignal>
#include <cstdlib>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

TEST_CASE("RINGIO_ASSERT: evaluates its condition once") {
    int evaluated = 0;
    RINGIO_ASSERT(++evaluated == 1, "counts");
    CHECK(evaluated == 1);
}

TEST_CASE("RINGIO_ASSERT: a false condition prints its sentence and aborts") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);  // Catch2 would report a failed test from here
        ::dup2(ends[1], STDERR_FILENO);
        RINGIO_ASSERT(1 + 1 == 3, "the sum is three");
        std::_Exit(0);
    }
    ::close(ends[1]);
    std::string printed;
    char buffer[256];
    for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
        printed.append(buffer, static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGABRT);
    CHECK(printed.find("ringio: assertion failed: the sum is three (1 + 1 == 3) at ") == 0);
}

// Runs a piece of a test in a forked child, for what would end or spoil the test's own process.
#pragma once

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <string>
#include <system_error>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <support/catch.hpp>

#include "faults/planted_fault.hpp"

namespace ringio::testing {

struct ChildResult {
    int status = 0;    // of waitpid
    std::string text;  // written to standard error

    bool aborted() const { return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT; }
};

/// A child that hangs is killed by SIGALRM.
inline std::chrono::seconds child_time_limit() { return 6 * patience(); }

template <class Body>
ChildResult run_in_child(Body body) {
    int ends[2] = {-1, -1};
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::signal(SIGALRM, SIG_DFL);
        ::alarm(static_cast<unsigned>(child_time_limit().count()));
        std::signal(SIGABRT, SIG_DFL);  // Catch2's handler would report the abort as a failure
        ::dup2(ends[1], STDERR_FILENO);
        body();
        ::_exit(0);
    }
    ::close(ends[1]);
    ChildResult result;
    char buffer[1024];
    for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
        result.text.append(buffer, static_cast<std::size_t>(n));
    }
    ::close(ends[0]);
    REQUIRE(::waitpid(child, &result.status, 0) == child);
    return result;
}

/// In a child: closes all but standard input, output and error, and lets no other be opened.
inline void leave_no_descriptor() {
    try {  // the sanitizer needs a pipe to see an exception of a type for the first time
        throw std::system_error(EMFILE, std::system_category());
    } catch (const std::system_error& error) {
        static_cast<void>(error.code());
        static_cast<void>(error.what());
    }
    ::close_range(3, ~0U, 0);
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 3;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace ringio::testing

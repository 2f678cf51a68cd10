#include <ringio/process/process_worker.hpp>

#include <ringio/process/process_pool_executor.hpp>
#include <support/catch.hpp>
#include <support/no_processes.hpp>

#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

using namespace ringio::test_support;
using ringio::concurrent::ProcessPoolExecutor;

namespace {

// Constructed before main(), also in each worker, where it costs nothing.
ProcessPoolExecutor before_main(1);

std::string variable(const std::string& name) {
    const char* const value = ::getenv(name.c_str());
    return value == nullptr ? "not set" : value;
}

bool takes_interrupts(int number) {
    struct sigaction action = {};
    ::sigaction(number, nullptr, &action);
    sigset_t mask;
    ::sigprocmask(SIG_SETMASK, nullptr, &mask);
    return action.sa_handler != SIG_IGN || ::sigismember(&mask, number) != 0;
}

std::string read_link(const std::string& path) {
    char target[4096];
    const ssize_t size = ::readlink(path.c_str(), target, sizeof(target));
    return size < 0 ? "" : std::string(target, static_cast<std::size_t>(size));
}

int open_descriptors() {
    int count = 0;
    for (int fd = 0; fd < 1024; ++fd) {
        count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    return count;
}

}  // namespace

TEST_CASE("process_worker: in a process that is no worker there is nothing to do") {
    char name[] = "program";
    char* arguments[] = {name, nullptr};
    CHECK_FALSE(ringio::process_worker(1, arguments).has_value());
}

TEST_CASE("process_worker: what the worker starts is no worker") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    CHECK(pool.submit(variable, "RINGIO_WORKER").result() == "not set");
}

TEST_CASE("process_worker: a worker has this process's environment and program") {
    const NoProcesses none_left;
    ::setenv("RINGIO_TEST_VARIABLE", "handed on", 1);
    ProcessPoolExecutor pool(1);
    CHECK(pool.submit(variable, "RINGIO_TEST_VARIABLE").result() == "handed on");
    CHECK(pool.submit(read_link, "/proc/self/exe").result() == read_link("/proc/self/exe"));
    ::unsetenv("RINGIO_TEST_VARIABLE");
}

TEST_CASE("process_worker: Ctrl-C is not for a worker, whose input is empty") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    CHECK_FALSE(pool.submit(takes_interrupts, SIGINT).result());
    CHECK(pool.submit(read_link, "/proc/self/fd/0").result() == "/dev/null");
    CHECK(pool.submit([] { return ::raise(SIGINT); }).result() == 0);
}

TEST_CASE(
    "process_worker: a worker has the standard streams, its socket, and no other descriptor") {
    const int kept = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC
    REQUIRE(kept >= 0);
    {
        const NoProcesses none_left;
        ProcessPoolExecutor pool(2);
        const auto first = pool.submit(open_descriptors);
        const auto second = pool.submit(open_descriptors);
        CHECK(first.result() == 4);
        CHECK(second.result() == 4);
    }
    ::close(kept);
}

TEST_CASE("process_worker: a worker is told of its parent's end by SIGKILL") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    const auto death_signal = [] {
        int signal = 0;
        ::prctl(PR_GET_PDEATHSIG, &signal);
        return signal;
    };
    CHECK(pool.submit(death_signal).result() == SIGKILL);
    CHECK(pool.submit([] { return ::getppid(); }).result() == ::getpid());
}

TEST_CASE("process_worker: a pool that is constructed before main() works in main()") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    const auto has_pool_too = [] { return before_main.worker_pids().size(); };
    CHECK(pool.submit(has_pool_too).result() == 0);
}

TEST_CASE("process_worker: a worker may have a pool of its own") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    const auto ask_another = [] {
        ProcessPoolExecutor inner(1);
        return std::pair(::getpid(), inner.submit([] { return ::getppid(); }).result());
    };
    const auto [worker, parent_of_inner] = pool.submit(ask_another).result();
    CHECK(worker == parent_of_inner);
    CHECK(worker != ::getpid());
}

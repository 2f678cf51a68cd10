// Hosts that are short of something, and programs that do more than keep a process pool: children
// of their own, signals, forks.
#include <ringio/base/config.hpp>
#include <ringio/process/process_pool_executor.hpp>

#include <support/catch.hpp>
#include <support/no_processes.hpp>
#include <support/signal_action.hpp>
#include <support/worker_calls.hpp>

#include <csignal>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringio::test_support::pool_host {
namespace {

using concurrent::BrokenProcessPool;
using concurrent::ProcessPoolExecutor;

/// This process may open so many descriptors, until the end of the scope.
class DescriptorLimit {
public:
    explicit DescriptorLimit(rlim_t limit) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit lower = before_;
        lower.rlim_cur = limit;
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &lower) == 0);
    }
    DescriptorLimit(const DescriptorLimit&) = delete;
    DescriptorLimit& operator=(const DescriptorLimit&) = delete;
    ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_ = {};
};

rlim_t lowest_free_descriptor() {
    const int fd = ::dup(STDOUT_FILENO);
    ::close(fd);
    return static_cast<rlim_t>(fd);
}

/// Runs `body` in a child of fork(2); returns its exit status: what `body` says.
template <class Body>
int status_of_child(Body body) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(body());
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace

TEST_CASE("pool host: goes on with the workers that could be started") {
    if (RINGIO_SANITIZE_ADDRESS != 0) {
        return;  // UBSan takes descriptors to look at an object's type, and says that it has none
    }
    const NoProcesses none_left;
    {
        const DescriptorLimit limit(32);
        ProcessPoolExecutor pool(16);
        std::vector<concurrent::Future<int>> futures;
        for (int i = 0; i < 100; ++i) {
            futures.push_back(pool.submit(same_number, i));
        }
        for (int i = 0; i < 100; ++i) {
            CHECK(futures[static_cast<std::size_t>(i)].result() == i);
        }
        CHECK(pool.worker_pids().size() < 16);
    }
}

TEST_CASE("pool host: where no worker can be started a call fails, and a later one is made") {
    if (RINGIO_SANITIZE_ADDRESS != 0) {
        return;  // UBSan takes descriptors to look at an object's type, and says that it has none
    }
    const NoProcesses none_left;
    ProcessPoolExecutor pool({.max_workers = 1, .max_tasks_per_child = 1});
    CHECK(pool.submit(same_number, 1).result() == 1);
    {
        while (!pool.worker_pids().empty()) {  // it has made its calls
            std::this_thread::yield();
        }
        const DescriptorLimit limit(lowest_free_descriptor() + 2);
        const auto failing = pool.submit(same_number, 2);
        CHECK_THROWS_AS(failing.result(), std::system_error);
    }
    CHECK(pool.submit(same_number, 3).result() == 3);
}

// Kernel: poll(2) refuses more entries than a process may have descriptors, epoll(7) does not.
TEST_CASE("pool host: a pool goes on when there are more of its descriptors than are allowed now") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    ProcessGate gate;
    const auto first = pool.submit(pass_with, gate.name(), 1);
    const auto second = pool.submit(pass_with, gate.name(), 2);
    gate.wait_until_reached(2);
    const DescriptorLimit limit(4);
    const auto queued = pool.submit(same_number, 3);
    gate.open();
    CHECK(first.result() == 1);
    CHECK(second.result() == 2);
    CHECK(queued.result() == 3);
    pool.shutdown();
}

TEST_CASE("pool host: with SIGCHLD ignored workers are started, missed, and ended") {
    const NoProcesses none_left;
    const SignalAction ignored(SIGCHLD, SIG_IGN);
    ProcessPoolExecutor pool(2);
    CHECK(pool.submit(same_number, 1).result() == 1);
    const auto failing = pool.submit([] { ::_exit(3); });
    CHECK_THROWS_WITH(failing.result(),
                      Catch::Matchers::Contains("a status that somebody else has taken"));
    pool.shutdown();
    ProcessPoolExecutor other(2);
    CHECK(other.submit(same_number, 2).result() == 2);
}

TEST_CASE("pool host: somebody else waits for every child of the process") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool({.max_workers = 1, .max_tasks_per_child = 1});
    ProcessGate gate;
    const auto first = pool.submit(pass_with, gate.name(), 1);
    gate.wait_until_reached();
    std::thread waiter([] {
        while (::waitpid(-1, nullptr, 0) > 0) {
        }
    });
    gate.open();
    CHECK(first.result() == 1);
    for (int i = 0; i < 5; ++i) {
        CHECK(pool.submit(same_number, i).result() == i);
    }
    pool.shutdown();
    waiter.join();
}

TEST_CASE("pool host: a child of fork() refuses the pool, and its end does no harm to it") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    ProcessGate gate;
    const auto running = pool.submit(pass_with, gate.name(), 1);
    gate.wait_until_reached();
    const int status = status_of_child([&] {
        bool is_refused = false;
        try {
            pool.submit(same_number, 1);
        } catch (const std::runtime_error& error) {
            is_refused =
                std::string(error.what()).find("in the child of a fork()") != std::string::npos;
        }
        pool.kill_workers();
        pool.shutdown();
        return is_refused && pool.worker_pids().empty() ? 0 : 1;
    });
    CHECK(status == 0);
    CHECK(pool.submit(same_number, 2).result() == 2);
    gate.open();
    CHECK(running.result() == 1);
}

TEST_CASE("pool host: a child of fork() that lives on does not keep the workers from their end") {
    const NoProcesses none_left;
    const pid_t child = [] {
        ProcessPoolExecutor pool(2);
        CHECK(pool.submit(same_number, 1).result() == 1);
        const pid_t forked = ::fork();
        if (forked == 0) {
            wait_to_be_ended();
        }
        const std::vector<pid_t> workers = pool.worker_pids();
        pool.shutdown();
        CHECK(workers.size() == 1);
        CHECK(::kill(workers.front(), 0) != 0);
        return forked;
    }();
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

TEST_CASE("pool host: a child of fork() may have a pool of its own") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    CHECK(pool.submit(same_number, 1).result() == 1);
    const int status = status_of_child([] {
        ProcessPoolExecutor own(1);
        return own.submit(same_number, 7).result();
    });
    CHECK(status == 7);
}

TEST_CASE("pool host: a worker outlives the thread that has submitted its first call") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    pid_t worker = 0;
    std::thread([&] { worker = pool.submit(own_pid).result(); }).join();
    CHECK(pool.submit(own_pid).result() == worker);
}

}  // namespace ringio::test_support::pool_host

// The end of process pools: what test_shutdown.py of CPython asks, and the ends by force that
// test_process_pool.py has.
#include <ringio/process/process_pool_executor.hpp>

#include <support/catch.hpp>
#include <support/no_processes.hpp>
#include <support/worker_calls.hpp>

#include <csignal>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace ringio::test_support::pool_shutdown {
namespace {

using concurrent::BrokenProcessPool;
using concurrent::ProcessPoolExecutor;

const std::vector<int> inputs = {-5, -4, -3, -2, -1, 0, 1, 2, 3, 4};
const std::vector<int> outputs = {5, 4, 3, 2, 1, 0, 1, 2, 3, 4};

int absolute(int number) { return number < 0 ? -number : number; }
int fail(int) { throw std::invalid_argument("failing task"); }

template <class Results>
std::vector<int> taken(Results results) {
    std::vector<int> values;
    for (const int value : results) {
        values.push_back(value);
    }
    return values;
}

void end_by(ProcessPoolExecutor& pool, bool by_kill) {
    by_kill ? pool.kill_workers() : pool.terminate_workers();
}

}  // namespace

TEST_CASE("pool shutdown: cancel_futures cancels what no worker has got, and nothing else") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    ProcessGate gate;
    const auto running = pool.submit(pass_with, gate.name(), 7);
    gate.wait_until_reached();
    std::vector<concurrent::Future<int>> queued;
    for (int i = 0; i < 50; ++i) {
        queued.push_back(pool.submit(same_number, i));
    }
    pool.shutdown({.wait = false, .cancel_futures = true});
    for (const auto& future : queued) {
        CHECK(future.cancelled());
    }
    CHECK_FALSE(running.done());
    gate.open();
    CHECK(running.result() == 7);
    pool.shutdown();
}

TEST_CASE("pool shutdown: the workers end, and their processes are reaped, before it returns") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(3);
    ProcessGate gate;
    for (int i = 0; i < 3; ++i) {
        pool.submit(pass_with, gate.name(), i);
    }
    gate.wait_until_reached(3);
    const std::vector<pid_t> workers = pool.worker_pids();
    CHECK(workers.size() == 3);
    gate.open();
    pool.shutdown();
    for (const pid_t worker : workers) {
        CHECK(::kill(worker, 0) != 0);
    }
    CHECK(pool.worker_pids().empty());
}

TEST_CASE("pool shutdown: the end of the pool waits for the calls of a map()") {
    const NoProcesses none_left;
    auto pool = std::make_optional<ProcessPoolExecutor>(2);
    auto results = pool->map(absolute, inputs, {.chunksize = 1});
    pool.reset();
    CHECK(has_no_child());
    CHECK(taken(std::move(results)) == outputs);
}

TEST_CASE("pool shutdown: without a wait the calls are made all the same") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    auto results = pool.map(absolute, inputs, {.chunksize = 1});
    pool.shutdown({.wait = false});
    CHECK(taken(std::move(results)) == outputs);
    pool.shutdown();
}

TEST_CASE(
    "pool shutdown: comes while as many calls are queued as there are workers, and one more") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    auto results = pool.map(absolute, std::vector{1, 2, 3}, {.chunksize = 1});
    pool.shutdown();
    CHECK(taken(std::move(results)) == std::vector{1, 2, 3});
}

TEST_CASE("pool shutdown: a call that is cancelled just before it does not keep the pool") {
    const NoProcesses none_left;
    for (int round = 0; round < 5; ++round) {
        ProcessPoolExecutor pool(1);
        CHECK(pool.submit(same_number, 1).result() == 1);
        pool.submit(same_number, 2).cancel();
        pool.shutdown();
    }
}

TEST_CASE(
    "pool shutdown: workers that end after each call, one of which failed, end without a wait") {
    for (const std::size_t workers : {2U, 4U}) {
        const NoProcesses none_left;
        ProcessPoolExecutor pool({.max_workers = workers, .max_tasks_per_child = 1});
        const auto first = pool.submit(absolute, -1);
        const auto second = pool.submit(fail, 2);
        const auto third = pool.submit(absolute, -3);
        CHECK(first.result() == 1);
        CHECK_THROWS_AS(second.result(), std::invalid_argument);
        pool.shutdown({.wait = false});
        CHECK(third.result() == 3);
        pool.shutdown();
    }
}

TEST_CASE("pool shutdown: workers that end after each call are replaced while calls are queued") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool({.max_workers = 2, .max_tasks_per_child = 1});
    std::vector<concurrent::Future<int>> futures;
    for (int i = 0; i < 5; ++i) {
        futures.push_back(pool.submit(same_number, i));
    }
    pool.shutdown();
    for (int i = 0; i < 5; ++i) {
        CHECK(futures[static_cast<std::size_t>(i)].result() == i);
    }
}

TEST_CASE(
    "pool shutdown: a worker at its last call is replaced for what is queued, pool or no pool") {
    for (const bool is_shut : {false, true}) {
        for (const bool is_dropped : {false, true}) {
            const NoProcesses none_left;
            auto pool = std::make_unique<ProcessPoolExecutor>(
                concurrent::ProcessPoolOptions{.max_workers = 1, .max_tasks_per_child = 1});
            ProcessGate gate;
            std::vector<concurrent::Future<int>> futures;
            for (int i = 0; i < 3; ++i) {
                futures.push_back(pool->submit(pass_with, gate.name(), i));
            }
            gate.wait_until_reached();
            if (is_shut) {
                pool->shutdown({.wait = false});
            }
            std::thread dropper;
            if (is_dropped) {
                dropper = std::thread([&] { pool.reset(); });
            }
            gate.open();
            for (int i = 0; i < 3; ++i) {
                CHECK(futures[static_cast<std::size_t>(i)].result() == i);
            }
            if (dropper.joinable()) {
                dropper.join();
            }
            if (pool) {
                pool->shutdown();
                pool.reset();
            }
            while (!has_no_child()) {  // nobody can wait for a pool that was left alone
                std::this_thread::yield();
            }
            while (descriptor_count() != none_left.descriptors() + 1) {  // and the gate's
                std::this_thread::yield();
            }
        }
    }
}

TEST_CASE("pool shutdown: workers are ended by force whatever state the pool is in") {
    for (const bool by_kill : {false, true}) {
        const NoProcesses none_left;
        ProcessPoolExecutor unused(1);
        end_by(unused, by_kill);
        CHECK_THROWS_AS(unused.submit(same_number, 1), std::runtime_error);

        ProcessPoolExecutor broken(1);
        CHECK_THROWS_AS(broken.submit([] { ::_exit(1); }).result(), BrokenProcessPool);
        end_by(broken, by_kill);
        CHECK_THROWS_AS(broken.submit(same_number, 1), BrokenProcessPool);

        ProcessPoolExecutor idle(1);
        CHECK(idle.submit(same_number, 1).result() == 1);
        end_by(idle, by_kill);
        CHECK_THROWS_AS(idle.submit(same_number, 1), std::runtime_error);
        idle.shutdown();
        end_by(idle, by_kill);
    }
}

TEST_CASE("pool shutdown: workers ended by force at their last call are not replaced") {
    for (const bool by_kill : {false, true}) {
        const NoProcesses none_left;
        ProcessPoolExecutor pool({.max_workers = 1, .max_tasks_per_child = 1});
        ProcessGate gate;
        const auto running = pool.submit(pass_with, gate.name(), 1);
        gate.wait_until_reached();
        const auto queued = pool.submit(same_number, 2);
        end_by(pool, by_kill);
        CHECK_THROWS_AS(running.result(), BrokenProcessPool);
        CHECK_THROWS_AS(queued.result(), CancelledError);
        pool.shutdown();
    }
}

TEST_CASE("pool shutdown: workers that are stopped can be ended") {
    for (const bool by_kill : {false, true}) {
        const NoProcesses none_left;
        ProcessPoolExecutor pool(1);
        const auto stopped = pool.submit([] {
            ::raise(SIGSTOP);
            wait_to_be_ended();
        });
        siginfo_t info = {};
        while (pool.worker_pids().empty()) {
            std::this_thread::yield();
        }
        const auto worker = static_cast<id_t>(pool.worker_pids().front());
        REQUIRE(::waitid(P_PID, worker, &info, WSTOPPED | WNOWAIT) == 0);
        end_by(pool, by_kill);
        CHECK_THROWS_AS(stopped.result(), BrokenProcessPool);
        pool.shutdown();
    }
}

}  // namespace ringio::test_support::pool_shutdown

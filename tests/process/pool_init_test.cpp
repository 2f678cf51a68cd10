// Initializers of process pools, the good and the bad: what test_init.py of CPython asks.
#include <ringio/process/process_pool_executor.hpp>

#include <support/catch.hpp>
#include <support/no_processes.hpp>
#include <support/printed.hpp>
#include <support/worker_calls.hpp>

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

namespace ringio::test_support::pool_init {
namespace {

using concurrent::BrokenProcessPool;
using concurrent::ProcessPoolExecutor;

std::string status = "uninitialized";

void initialize(const std::string& text) { status = text; }
std::string status_behind(const std::string& gate) {
    ProcessGate::pass(gate);
    return status;
}
void refuse() { throw std::invalid_argument("error in initializer"); }

std::string reason_of(const concurrent::Future<int>& future) {
    try {
        future.result();
    } catch (const BrokenProcessPool& error) {
        return error.what();
    }
    return "not broken";
}

}  // namespace

TEST_CASE("pool init: each worker has made the call of the initializer, with its arguments") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool({.max_workers = 2, .initializer = {initialize, "initialized"}});
    ProcessGate gate;
    const auto first = pool.submit(status_behind, gate.name());
    const auto second = pool.submit(status_behind, gate.name());
    gate.wait_until_reached(2);
    gate.open();
    CHECK(first.result() == "initialized");
    CHECK(second.result() == "initialized");
    CHECK(status == "uninitialized");
}

TEST_CASE("pool init: an initializer that throws is told of, once, and breaks the pool") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool({.max_workers = 1, .initializer = refuse});
    const std::string text = printed([&] {
        const auto future = pool.submit(same_number, 1);
        CHECK_THAT(reason_of(future), Catch::Matchers::Contains("error in initializer"));
        CHECK_THROWS_AS(pool.submit(same_number, 2), BrokenProcessPool);
        pool.shutdown();
    });
    const std::size_t told = text.find("Exception in initializer:");
    CHECK(told != std::string::npos);
    CHECK(text.find("Exception in initializer:", told + 1) == std::string::npos);
    CHECK(text.find("error in initializer") != std::string::npos);
}

TEST_CASE(
    "pool init: a worker that ends in its initializer breaks the pool, even one that fails "
    "single tasks") {
    using enum concurrent::OnWorkerDeath;
    for (const concurrent::OnWorkerDeath on_death : {break_pool, fail_task}) {
        const NoProcesses none_left;
        ProcessPoolExecutor exiting(
            {.max_workers = 1, .initializer = [] { ::exit(3); }, .on_worker_death = on_death});
        CHECK_THAT(reason_of(exiting.submit(same_number, 1)),
                   Catch::Matchers::Contains("exit status 3, before its first call"));
        exiting.shutdown();
        ProcessPoolExecutor killed({.max_workers = 1,
                                    .initializer = [] { ::raise(SIGKILL); },
                                    .on_worker_death = on_death});
        CHECK_THAT(reason_of(killed.submit(same_number, 1)),
                   Catch::Matchers::Contains("SIGKILL, before its first call"));
    }
}

TEST_CASE("pool init: workers are ended also while they are in the initializer") {
    for (const bool by_kill : {false, true}) {
        const NoProcesses none_left;
        ProcessPoolExecutor pool({.max_workers = 1, .initializer = wait_to_be_ended});
        const auto future = pool.submit(same_number, 1);
        while (pool.worker_pids().empty()) {
        }
        by_kill ? pool.kill_workers() : pool.terminate_workers();
        CHECK_THROWS_AS(future.result(), CancelledError);
        pool.shutdown();
    }
}

TEST_CASE("pool init: workers are ended also while they are being started") {
    for (int round = 0; round < 50; ++round) {
        const NoProcesses none_left;
        ProcessPoolExecutor pool({.max_workers = 1, .initializer = wait_to_be_ended});
        const auto future = pool.submit(same_number, 1);
        for (int turn = 0; turn < 2 * round; ++turn) {
            std::this_thread::yield();
        }
        pool.kill_workers();
        CHECK_THROWS_AS(future.result(), CancelledError);
        pool.shutdown();
    }
}

}  // namespace ringio::test_support::pool_init

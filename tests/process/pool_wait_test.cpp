// wait() and as_completed() of calls that processes make: what test_wait.py and
// test_as_completed.py of CPython ask of process pools.
#include <ringio/concurrent/as_completed.hpp>
#include <ringio/concurrent/wait.hpp>
#include <ringio/process/process_pool_executor.hpp>

#include <support/catch.hpp>
#include <support/no_processes.hpp>
#include <support/worker_calls.hpp>

#include "../concurrent/futures.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

namespace ringio::test_support::pool_wait {
namespace {

using concurrent::ProcessPoolExecutor;
using Futures = std::vector<concurrent::Future<int>>;

int throw_behind(const std::string& gate) {
    ProcessGate::pass(gate);
    throw std::runtime_error("this is an exception");
}

}  // namespace

TEST_CASE("pool wait: a future that is given twice counts once") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    const auto future = pool.submit(same_number, 2);
    const auto waited = concurrent::wait({future, future});
    CHECK(waited.done == Futures{future});
    CHECK(waited.not_done.empty());
}

TEST_CASE("pool wait: is over with the first that has ended") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    ProcessGate gate;
    const auto quick = pool.submit(same_number, 42);
    const auto slow = pool.submit(pass_with, gate.name(), 1);
    const auto waited =
        concurrent::wait({quick, slow}, {.return_when = ReturnWhen::first_completed});
    CHECK(waited.done == Futures{quick});
    CHECK(waited.not_done == Futures{slow});
    const Futures others = {with_cancel(), with_result(1)};
    const auto again = concurrent::wait({others[0], others[1], slow},
                                        {.return_when = ReturnWhen::first_completed});
    CHECK(again.done == others);
    CHECK(again.not_done == Futures{slow});
}

TEST_CASE("pool wait: is over with the first that has thrown") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    ProcessGate throws;
    ProcessGate stays;
    const auto slow = pool.submit(pass_with, stays.name(), 3);
    const auto first = pool.submit(same_number, 42);
    CHECK(first.result() == 42);
    const auto failing = pool.submit(throw_behind, throws.name());
    throws.wait_until_reached();
    throws.open();
    const auto waited =
        concurrent::wait({first, failing, slow}, {.return_when = ReturnWhen::first_exception});
    CHECK(waited.done == Futures{first, failing});
    CHECK(waited.not_done == Futures{slow});
    const auto failed = with_exception();
    const auto again =
        concurrent::wait({failed, slow}, {.return_when = ReturnWhen::first_exception});
    CHECK(again.done == Futures{failed});
}

TEST_CASE("pool wait: waits for all, those that fail too, but not beyond its time") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    ProcessGate gate;
    const Futures ended = {with_result(1), with_cancel(), with_exception(),
                           pool.submit([]() -> int { throw std::domain_error("no"); }),
                           pool.submit(same_number, 42)};
    const auto waited = concurrent::wait(ended);
    CHECK(waited.done == ended);
    Futures more = ended;
    more.push_back(pool.submit(pass_with, gate.name(), 1));
    const auto in_time = concurrent::wait(more, {.timeout = std::chrono::milliseconds(1)});
    CHECK(in_time.done == ended);
    CHECK(in_time.not_done == Futures{more.back()});
}

TEST_CASE("pool wait: as_completed() gives each once, as they end") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    ProcessGate gate;
    const auto slow = pool.submit(pass_with, gate.name(), 1);
    const auto quick = pool.submit(same_number, 2);
    std::vector<int> results;
    for (const auto& future : concurrent::as_completed({slow, quick, slow, slow})) {
        results.push_back(future.result());
        gate.open();
    }
    CHECK(results == std::vector{2, 1});
}

TEST_CASE("pool wait: as_completed() says how many have not ended in time") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    ProcessGate gate;
    const auto slow = pool.submit(pass_with, gate.name(), 1);
    auto futures = concurrent::as_completed({with_result(7), slow}, std::chrono::milliseconds(1));
    const auto read_all = [&] {
        for (const auto& future : futures) {
            CHECK(future.result() == 7);
        }
    };
    CHECK_THROWS_WITH(read_all(), "1 (of 2) futures unfinished");
}

TEST_CASE("pool wait: those who wait are told that the pool broke") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    ProcessGate gate;
    const Futures futures = {pool.submit(pass_with, gate.name(), 1),
                             pool.submit(pass_with, gate.name(), 2),
                             pool.submit(pass_with, gate.name(), 3)};
    gate.wait_until_reached(2);
    ::kill(pool.worker_pids().back(), SIGKILL);
    CHECK(concurrent::wait(futures).done == futures);
    for (const auto& future : futures) {
        CHECK_THROWS_AS(future.result(), concurrent::BrokenProcessPool);
    }
}

}  // namespace ringio::test_support::pool_wait

// Done callbacks of a process pool's futures, which its manager calls, and what they do to the
// pool.
#include <ringio/process/process_pool_executor.hpp>

#include <support/catch.hpp>
#include <support/no_processes.hpp>
#include <support/printed.hpp>
#include <support/worker_calls.hpp>

#include <csignal>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

namespace ringio::test_support::pool_callback {
namespace {

using concurrent::BrokenProcessPool;
using concurrent::ProcessPoolExecutor;

/// The pool was left by its manager, which goes on with its end.
void wait_for_end(std::size_t descriptors) {
    while (!has_no_child() || descriptor_count() != descriptors) {
        std::this_thread::yield();
    }
}

/// Has `callback` called by the manager when a call has ended, or its worker.
template <class Callback>
void have_manager_call(ProcessPoolExecutor& pool, bool by_death, Callback callback) {
    const auto called = std::make_shared<std::latch>(1);
    ProcessGate gate;
    const auto future = pool.submit(pass_with, gate.name(), 1);
    future.add_done_callback([callback, called] {
        callback();
        called->count_down();
    });
    gate.wait_until_reached();
    if (by_death) {
        ::kill(pool.worker_pids().front(), SIGKILL);
    } else {
        gate.open();
    }
    called->wait();
}

}  // namespace

TEST_CASE("pool callback: submits to the pool, whose manager calls it") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    std::optional<concurrent::Future<int>> another;
    have_manager_call(pool, false, [&] { another = pool.submit(same_number, 2); });
    CHECK(another->result() == 2);
}

TEST_CASE("pool callback: submits to a pool that is breaking") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    have_manager_call(pool, true,
                      [&] { CHECK_THROWS_AS(pool.submit(same_number, 2), BrokenProcessPool); });
}

TEST_CASE("pool callback: shuts the pool down, with a wait that cannot be for itself") {
    for (const bool by_death : {false, true}) {
        const NoProcesses none_left;
        ProcessPoolExecutor pool(1);
        have_manager_call(pool, by_death, [&] { pool.shutdown(); });
        CHECK_THROWS_AS(pool.submit(same_number, 2), std::runtime_error);
        pool.shutdown();
    }
}

TEST_CASE("pool callback: destroys the pool") {
    for (const bool by_death : {false, true}) {
        const NoProcesses none_left;
        auto pool = std::make_unique<ProcessPoolExecutor>(1);
        have_manager_call(*pool, by_death, [&] { pool.reset(); });
        CHECK(pool == nullptr);
        wait_for_end(none_left.descriptors());
    }
}

TEST_CASE("pool callback: ends the workers by force") {
    for (const bool by_kill : {false, true}) {
        const NoProcesses none_left;
        ProcessPoolExecutor pool(2);
        const auto other = pool.submit(wait_to_be_ended);
        have_manager_call(pool, false,
                          [&] { by_kill ? pool.kill_workers() : pool.terminate_workers(); });
        CHECK_THROWS_AS(other.result(), BrokenProcessPool);
    }
}

TEST_CASE("pool callback: what it throws is printed, and the pool goes on") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    const std::string text = printed([&] {
        ProcessGate gate;
        const auto future = pool.submit(pass_with, gate.name(), 1);
        future.add_done_callback([] { throw std::runtime_error("boom"); });
        gate.open();
        CHECK(future.result() == 1);
        CHECK(pool.submit(same_number, 2).result() == 2);
    });
    CHECK_THAT(text, Catch::Matchers::Contains("exception calling callback for <Future at "));
    CHECK_THAT(text, Catch::Matchers::Contains("boom"));
}

TEST_CASE("pool callback: cancels what is queued") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    ProcessGate gate;
    const auto first = pool.submit(pass_with, gate.name(), 1);
    const auto next = pool.submit(wait_to_be_ended);
    const auto queued = pool.submit(same_number, 3);
    first.add_done_callback([&] {
        CHECK_FALSE(next.cancel());  // the worker has it already
        CHECK(queued.cancel());
        pool.kill_workers();
    });
    gate.open();
    CHECK_THROWS_AS(next.result(), BrokenProcessPool);
    CHECK(queued.cancelled());
}

TEST_CASE("pool callback: in a thread that waits for the result it may end the pool") {
    const NoProcesses none_left;
    for (const bool destroys : {false, true}) {
        std::optional<ProcessGate> gate(std::in_place);
        auto pool = std::make_unique<ProcessPoolExecutor>(1);
        CHECK(pool->submit(same_number, 1).result() == 1);  // there is a worker, and it is idle
        const auto future = pool->submit(pass_with, gate->name(), 2);
        std::latch called(1);
        future.add_done_callback([&] {
            destroys ? pool.reset() : pool->shutdown();
            called.count_down();
        });
        std::thread opener([&] { gate->open(); });
        CHECK(future.result() == 2);
        called.wait();
        opener.join();
        CHECK((pool == nullptr) == destroys);
        gate.reset();
        if (destroys) {
            wait_for_end(none_left.descriptors());  // the manager may have called back
        }
        if (!destroys) {
            CHECK_THROWS_AS(pool->submit(same_number, 1), std::runtime_error);
        }
    }
}

}  // namespace ringio::test_support::pool_callback

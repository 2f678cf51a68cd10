// Wherever a call may fail on its way to a worker and back, its future ends, and so does the pool:
// what test_deadlock.py of CPython asks.
#include <ringio/process/process_pool_executor.hpp>

#include <ringio/base/scope_exit.hpp>
#include <support/catch.hpp>
#include <support/gate.hpp>
#include <support/no_processes.hpp>
#include <support/worker_calls.hpp>

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace ringio::test_support::pool_deadlock {
namespace {

using concurrent::BrokenProcessPool;
using concurrent::ProcessPoolExecutor;

enum class Moment { never, task_written, task_read, called, result_written, result_read };
enum class Fate { error, exit, crash };

void meet(Fate fate) {
    switch (fate) {
        case Fate::error:
            throw std::domain_error("trap");
        case Fate::exit:
            ::exit(1);
        case Fate::crash:
            crash();
    }
}

/// A value that meets its fate at some moment of its way.
struct Trap {
    Moment moment = Moment::never;
    Fate fate = Fate::error;
    pid_t caller = ::getpid();

    template <class Archive>
    void serialize(Archive& archive) {
        archive(moment, fate, caller);
        const bool is_caller = ::getpid() == caller;
        const Moment reading = is_caller ? Moment::result_read : Moment::task_read;
        const Moment writing = is_caller ? Moment::task_written : Moment::result_written;
        if (moment == (Archive::is_loading ? reading : writing)) {
            meet(fate);
        }
    }
};

Trap give_back(const Trap& trap) {
    if (trap.moment == Moment::called) {
        meet(trap.fate);
    }
    return trap;
}

void crash_with(const std::string&) { crash(); }
void crash_behind(const std::string& gate) {
    ProcessGate::pass(gate);
    crash();
}
std::string big(char letter) { return std::string(std::size_t{2} << 20U, letter); }

}  // namespace

TEST_CASE("pool deadlock: a value that cannot be written or read fails its call, and no other") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    const pid_t worker = pool.submit(own_pid).result();
    for (const Moment moment : {Moment::task_written, Moment::task_read, Moment::called,
                                Moment::result_written, Moment::result_read}) {
        CAPTURE(moment);
        const auto failing = pool.submit(give_back, Trap{.moment = moment});
        CHECK_THROWS_AS(failing.result(), std::domain_error);
        CHECK(pool.submit(own_pid).result() == worker);
    }
}

TEST_CASE("pool deadlock: a worker that exits or crashes at any moment of a call breaks the pool") {
    for (const Fate fate : {Fate::exit, Fate::crash}) {
        for (const Moment moment : {Moment::task_read, Moment::called, Moment::result_written}) {
            CAPTURE(fate, moment);
            const NoProcesses none_left;
            ProcessPoolExecutor pool(1);
            const auto failing = pool.submit(give_back, Trap{.moment = moment, .fate = fate});
            CHECK_THROWS_AS(failing.result(), BrokenProcessPool);
            CHECK_THROWS_AS(pool.submit(same_number, 1), BrokenProcessPool);
            pool.shutdown();
        }
    }
}

TEST_CASE("pool deadlock: a worker that crashes after shutdown() ends the wait") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    ProcessGate gate;
    const auto failing = pool.submit(crash_behind, gate.name());
    gate.wait_until_reached();
    pool.shutdown({.wait = false});
    gate.open();
    pool.shutdown();
    CHECK_THROWS_AS(failing.result(), BrokenProcessPool);
}

TEST_CASE("pool deadlock: a value that cannot be written does not keep the pool from its end") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    CHECK(pool.submit(same_number, 42).result() == 42);
    const auto failing = pool.submit(give_back, Trap{.moment = Moment::task_written});
    pool.shutdown({.wait = false});
    CHECK_THROWS_AS(failing.result(), std::domain_error);
    pool.shutdown();
}

TEST_CASE("pool deadlock: a worker crashes while long arguments are on their way") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    const std::vector<std::string> data(10, big('a'));
    // The pool may be broken before the last of them is submitted.
    CHECK_THROWS_AS(pool.map(crash_with, data, {.chunksize = 1}).next(), BrokenProcessPool);
    pool.shutdown();
}

TEST_CASE("pool deadlock: a worker is killed while long results are on their way") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    std::vector<concurrent::Future<std::string>> futures;
    for (int i = 0; i < 20; ++i) {
        futures.push_back(pool.submit(big, 'r'));
    }
    CHECK(futures[0].result() == big('r'));
    for (const pid_t worker : pool.worker_pids()) {
        ::kill(worker, SIGKILL);
    }
    std::size_t ended = 0;
    for (const auto& future : futures) {
        try {
            ended += future.result() == big('r') ? 1U : 0U;
        } catch (const BrokenProcessPool&) {
            ++ended;
        }
    }
    CHECK(ended == futures.size());
}

TEST_CASE("pool deadlock: nobody who submits waits for a manager that is busy in a callback") {
    const NoProcesses none_left;
    Gate callback;
    ProcessPoolExecutor pool(1);
    const ScopeExit opened([&callback] { callback.open(); });
    ProcessGate gate;
    const auto first = pool.submit(pass_with, gate.name(), 1);
    first.add_done_callback([&] { callback.pass(); });
    gate.open();
    callback.wait_until_reached();
    std::vector<concurrent::Future<int>> futures;
    for (int i = 0; i < 10'000; ++i) {
        futures.push_back(pool.submit(same_number, i));
    }
    callback.open();
    for (int i = 0; i < 10'000; ++i) {
        REQUIRE(futures[static_cast<std::size_t>(i)].result() == i);
    }
}

}  // namespace ringio::test_support::pool_deadlock

// wait() and as_completed() of calls that processes make: what test_wait.py and
// test_as_completed.py of CPython ask of process pools.
#include <ringio/base/scope_exit.hpp>
#include <ringio/concurrent/as_completed.hpp>
#include <ringio/concurrent/wait.hpp>
#include <ringio/process/process_pool_executor.hpp>

#include <support/catch.hpp>
#include <support/gate.hpp>
#include <support/no_processes.hpp>
#include <support/worker_calls.hpp>

#include "../concurrent/futures.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace ringio::test_support::pool_wait {
namespace {

using concurrent::ProcessPoolExecutor;
using Futures = std::vector<concurrent::Future<int>>;

// Reads the letter of its state in /proc/PID/stat, which stands behind its name.
void wait_until_it_sleeps(pid_t process) {
    for (char state = 'R'; state != 'S';) {
        std::ifstream file("/proc/" + std::to_string(process) + "/stat");
        std::string text;
        std::getline(file, text);
        state = text.at(text.rfind(')') + 2);
    }
}

/// The thread of the only pool of this process.
pid_t thread_of_pool() {
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream file(thread.path() / "comm");
        std::string name;
        std::getline(file, name);
        if (name == "process_pool_0") {
            return std::stoi(thread.path().filename());
        }
    }
    FAIL("the pool has no thread");
    return -1;
}

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

namespace {

/// What is to happen when the second of two answers was received with the first.
using WithSecondAnswer = void (*)(const concurrent::Future<int>& second, Gate& manager);

// Both answers are in the socket when somebody waits for the first: he receives both, and no event
// tells the manager of the second, who is busy with a callback besides. Whether a call counts as a
// short one is up to the machine: so it is tried until two answers did come together.
bool two_answers_come_together(WithSecondAnswer then) {
    bool was_tried = false;
    for (int round = 0; !was_tried && round < 50; ++round) {
        const NoProcesses none_left;
        Gate manager;
        ProcessPoolExecutor pool(2);
        const ScopeExit opened([&manager] { manager.open(); });
        ProcessGate holding;
        ProcessGate blocking;
        ProcessGate before_short;
        ProcessGate second_reached;

        const auto held = pool.submit(pass_with, holding.name(), 0);
        held.add_done_callback([&] { manager.pass(); });
        holding.wait_until_reached();
        const auto first = pool.submit(pass_with, before_short.name(), 1);
        before_short.wait_until_reached();
        const auto blocked = pool.submit(pass_with, blocking.name(), 6);  // by the first worker
        const auto short_call = pool.submit(same_number, 2);
        const auto one = pool.submit(same_number, 3);
        const auto other = pool.submit(pass_with, second_reached.name(), 4);
        const Futures more = {pool.submit(same_number, 5), pool.submit(same_number, 5)};
        const pid_t worker = pool.worker_pids().back();
        wait_until_it_sleeps(thread_of_pool());  // it has heard that the workers are there
        std::thread opener([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));  // no short calls, these two
            holding.open();
            manager.wait_until_reached();  // the manager is busy from here on
            before_short.open();
        });
        CHECK(first.result() == 1);
        CHECK(short_call.result() == 2);
        opener.join();
        // A short call was answered, so the worker has got two, unless it took long all the same.
        was_tried = one.running() && other.running();
        if (was_tried) {
            second_reached.wait_until_reached();  // the first of them is answered
            second_reached.open();
            wait_until_it_sleeps(worker);
            CHECK(one.result() == 3);
            then(other, manager);
        }
        second_reached.open();
        manager.open();
        CHECK(other.result() == 4);
        blocking.open();
        CHECK(blocked.result() == 6);
        CHECK(more[1].result() == 5);
    }
    return was_tried;
}

}  // namespace

TEST_CASE("pool wait: an answer that came together with another one is delivered, too") {
    CHECK(two_answers_come_together([](const concurrent::Future<int>& second, Gate& manager) {
        std::latch delivered(1);
        second.add_done_callback([&] { delivered.count_down(); });
        manager.open();
        delivered.wait();
    }));
}

TEST_CASE("pool wait: who waits for such an answer does not wait for the manager") {
    CHECK(two_answers_come_together(
        [](const concurrent::Future<int>& second, Gate&) { CHECK(second.result() == 4); }));
}

}  // namespace ringio::test_support::pool_wait

#include <ringio/process/process_pool_executor.hpp>

#include <ringio/concurrent.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/catch.hpp>
#include <support/ends.hpp>
#include <support/no_processes.hpp>
#include <support/worker_calls.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::CancelledError;
using ringio::concurrent::BrokenProcessPool;
using ringio::concurrent::CancelRunning;
namespace concurrent = ringio::concurrent;
using ringio::concurrent::OnWorkerDeath;
using ringio::concurrent::ProcessPoolExecutor;
using ringio::concurrent::RemoteError;

namespace {

int square(int x) { return x * x; }
std::string joined(const std::string& a, std::string b, long n) {
    return a + b + std::to_string(n);
}
pid_t worker_pid() { return ::getpid(); }
void wait_for_ever() {
    for (;;) {
        ::pause();
    }
}
int set_by_initializer = 0;
void set_it(int value) { set_by_initializer += value; }
int what_was_set() { return set_by_initializer; }

struct OwnError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <class E, class T>
std::string text_of(const concurrent::Future<T>& future) {
    try {
        future.result();
    } catch (const E& error) {
        CHECK(typeid(error) == typeid(E));
        return error.what();
    }
    return "no exception";
}

}  // namespace

TEST_CASE("ProcessPoolExecutor: a worker calls the function, and its result comes back") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    CHECK(pool.submit(square, 7).result() == 49);
    CHECK(pool.submit(joined, "a", "b", 3).result() == "ab3");
    CHECK(pool.submit([](double x) { return x / 2; }, 3).result() == 1.5);
    CHECK(pool.submit(worker_pid).result() != ::getpid());
    const concurrent::Future<void> nothing = pool.submit([] {});
    CHECK_NOTHROW(nothing.result());
}

TEST_CASE("ProcessPoolExecutor: costs nothing until it is used, and no more workers than needed") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(4);
    CHECK(has_no_child());
    CHECK(pool.worker_pids().empty());
    const pid_t first = pool.submit(worker_pid).result();
    for (int i = 0; i < 10; ++i) {
        CHECK(pool.submit(worker_pid).result() == first);  // the idle one is reused
    }
    CHECK(pool.worker_pids() == std::vector{first});
}

TEST_CASE("ProcessPoolExecutor: no workers are refused") {
    CHECK_THROWS_WITH(ProcessPoolExecutor(0), "max_workers must be greater than 0");
    CHECK_THROWS_AS(ProcessPoolExecutor({.max_workers = 0}), std::invalid_argument);
}

TEST_CASE("ProcessPoolExecutor: standard exceptions keep their type, others are told by name") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    CHECK(text_of<std::out_of_range>(
              pool.submit([] { throw std::out_of_range("no such place"); })) == "no such place");
    CHECK(text_of<ringio::TimeoutError>(pool.submit([] { throw ringio::TimeoutError(); })) ==
          "timed out");
    CHECK(text_of<std::bad_alloc>(pool.submit([] { throw std::bad_alloc(); })) == "std::bad_alloc");
    const auto fail = [] { throw std::system_error(ENOENT, std::system_category(), "open 'x'"); };
    CHECK(text_of<std::system_error>(pool.submit(fail)) == "open 'x': No such file or directory");
    const concurrent::Future<void> own = pool.submit([] { throw OwnError("mine"); });
    CHECK(text_of<RemoteError>(own) == "mine");
    try {
        own.result();
    } catch (const RemoteError& error) {
        CHECK(error.type_name().ends_with("OwnError"));
        CHECK(error.worker_pid() == pool.submit(worker_pid).result());
    }
    const concurrent::Future<void> number = pool.submit([] { throw 42; });
    CHECK(text_of<RemoteError>(number) == "int");
    const concurrent::Future<void> cancelled = pool.submit([] { throw CancelledError("why"); });
    CHECK_THROWS_AS(cancelled.result(), CancelledError);
}

TEST_CASE("ProcessPoolExecutor: an initializer comes first in each worker") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool({.max_workers = 1, .initializer = {set_it, 7}});
    CHECK(pool.submit(what_was_set).result() == 7);
    CHECK(pool.submit(what_was_set).result() == 7);
    CHECK(what_was_set() == 0);
}

TEST_CASE("ProcessPoolExecutor: after shutdown what was queued is done, and no more is taken") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    std::vector<concurrent::Future<int>> futures;
    for (int i = 0; i < 50; ++i) {
        futures.push_back(pool.submit(square, i));
    }
    pool.shutdown();
    CHECK(has_no_child());
    for (int i = 0; i < 50; ++i) {
        CHECK(futures[static_cast<std::size_t>(i)].result() == i * i);
    }
    CHECK_THROWS_WITH(pool.submit(square, 1), "cannot schedule new futures after shutdown");
    pool.shutdown();
}

TEST_CASE("ProcessPoolExecutor: a worker that dies breaks the pool, and the text says how") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    const auto die = [] { ::kill(::getpid(), SIGKILL); };
    const concurrent::Future<void> running = pool.submit(die);
    const concurrent::Future<int> waiting = pool.submit(square, 2);
    const std::string text = text_of<BrokenProcessPool>(running);
    CHECK(text.find("A process in the process pool was terminated abruptly while the future was "
                    "running or pending.") == 0);
    CHECK(text.find("ended with SIGKILL, in a call of the program + 0x") != std::string::npos);
    CHECK_THROWS_AS(waiting.result(), BrokenProcessPool);
    CHECK_THROWS_WITH(
        pool.submit(square, 1),
        "A child process terminated abruptly, the process pool is not usable anymore");
}

TEST_CASE("ProcessPoolExecutor: with fail_task another worker takes the place of one that dies") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool({.max_workers = 1, .on_worker_death = OnWorkerDeath::fail_task});
    const concurrent::Future<void> dies = pool.submit([] { ::_exit(3); });
    const concurrent::Future<int> waiting = pool.submit(square, 2);
    CHECK(text_of<BrokenProcessPool>(dies).find("ended with exit status 3") != std::string::npos);
    CHECK(waiting.result() == 4);
    CHECK(pool.submit(square, 3).result() == 9);
}

TEST_CASE("ProcessPoolExecutor: a worker ends after max_tasks_per_child calls") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool({.max_workers = 1, .max_tasks_per_child = 3});
    std::vector<concurrent::Future<pid_t>> futures;
    for (int i = 0; i < 10; ++i) {
        futures.push_back(pool.submit(worker_pid));
    }
    std::vector<pid_t> pids;
    for (const concurrent::Future<pid_t>& future : futures) {
        pids.push_back(future.result());
    }
    CHECK(std::set(pids.begin(), pids.end()).size() == 4);
    CHECK(pids[0] == pids[2]);
    CHECK(pids[2] != pids[3]);
}

TEST_CASE("ProcessPoolExecutor: a queued call that is cancelled is never made") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    const concurrent::Future<void> blocks = pool.submit(wait_for_ever);
    while (!blocks.running()) {
        std::this_thread::yield();
    }
    const concurrent::Future<int> queued = pool.submit(square, 1);
    CHECK(queued.cancel());
    CHECK(queued.cancelled());
    CHECK_FALSE(blocks.cancel());
    pool.kill_workers();
    CHECK_THROWS_AS(blocks.result(), BrokenProcessPool);
}

TEST_CASE(
    "ProcessPoolExecutor: a call that runs is cancelled by killing its worker, if so wanted") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool({.max_workers = 1, .cancel_running = CancelRunning::kill});
    const concurrent::Future<void> blocks = pool.submit(wait_for_ever);
    while (!blocks.running()) {
        std::this_thread::yield();
    }
    const concurrent::Future<int> next = pool.submit(square, 3);
    CHECK(blocks.cancel());
    CHECK_THROWS_AS(blocks.result(), CancelledError);
    CHECK(next.result() == 9);  // by another worker
}

TEST_CASE(
    "ProcessPoolExecutor: terminate_workers and kill_workers end what runs, and cancel the rest") {
    for (const bool by_kill : {false, true}) {
        const NoProcesses none_left;
        ProcessPoolExecutor pool(2);
        const concurrent::Future<void> first = pool.submit(wait_for_ever);
        const concurrent::Future<void> second = pool.submit(wait_for_ever);
        while (!first.running() || !second.running()) {
            std::this_thread::yield();
        }
        const concurrent::Future<int> queued = pool.submit(square, 1);
        by_kill ? pool.kill_workers() : pool.terminate_workers();
        CHECK_THROWS_AS(first.result(), BrokenProcessPool);
        CHECK_THROWS_AS(second.result(), BrokenProcessPool);
        CHECK_THROWS_AS(queued.result(), CancelledError);
        CHECK_THROWS_AS(pool.submit(square, 1), std::runtime_error);
    }
}

TEST_CASE("ProcessPoolExecutor: a task awaits a call, and a cancellation that is to kill does so") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool({.max_workers = 1, .cancel_running = CancelRunning::kill});
    const auto main = [&]() -> ringio::Task<> {
        auto& loop = ringio::get_running_loop();
        const int squared = co_await loop.run_in_executor(pool, square, 5);
        CHECK(squared == 25);
        const int wrapped = co_await ringio::wrap_future(pool.submit(square, 6));
        CHECK(wrapped == 36);
        bool is_timed_out = false;
        try {
            co_await ringio::wait_for(loop.run_in_executor(&pool, wait_for_ever), 50ms);
        } catch (const ringio::TimeoutError&) {
            is_timed_out = true;
        }
        CHECK(is_timed_out);
        const int after = co_await loop.run_in_executor(pool, square, 7);
        CHECK(after == 49);
    };
    ringio::run(main());
}

TEST_CASE(
    "ProcessPoolExecutor: a call is awaited no longer when it is cancelled, queued or running") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    ProcessGate gate;
    const auto main = [&]() -> ringio::Task<> {
        auto& loop = ringio::get_running_loop();
        auto running = loop.run_in_executor(pool, pass_with, gate.name(), 1);
        gate.wait_until_reached();
        auto queued = loop.run_in_executor(pool, square, 2);
        CHECK(queued.cancel());
        CHECK_FALSE(queued.cancel());
        CHECK(running.cancel());  // the worker goes on, and its result is dropped
        CHECK_AWAIT(is_cancelled(queued), true);
        CHECK_AWAIT(is_cancelled(running), true);
        gate.open();
        const int after = co_await loop.run_in_executor(pool, square, 3);
        CHECK(after == 9);
    };
    ringio::run(main());
    CHECK(pool.worker_pids().size() == 1);
}

TEST_CASE("ProcessPoolExecutor: a loop that closes waits for no call, and the pool goes on") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    ProcessGate gate;
    {
        ringio::EventLoop loop;
        const auto left = loop.run_in_executor(pool, pass_with, gate.name(), 1);
        gate.wait_until_reached();
        loop.close();
        CHECK_FALSE(left.done());
    }
    gate.open();
    CHECK(pool.submit(square, 3).result() == 9);
}

TEST_CASE("ProcessPoolExecutor: a result that came before a cancellation is dropped with it") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    const auto main = [&]() -> ringio::Task<> {
        auto& loop = ringio::get_running_loop();
        const concurrent::Future<int> source = pool.submit(square, 2);
        auto wrapped = ringio::wrap_future(source);
        CHECK(source.result() == 4);  // and is on its way to the loop
        CHECK(wrapped.cancel());
        CHECK_AWAIT(is_cancelled(wrapped), true);
        const int after = co_await loop.run_in_executor(pool, square, 3);
        CHECK(after == 9);
    };
    ringio::run(main());
}

TEST_CASE(
    "ProcessPoolExecutor: who waits for a call is told when it is cancelled, or its worker dies") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool({.max_workers = 1,
                              .on_worker_death = OnWorkerDeath::fail_task,
                              .cancel_running = CancelRunning::kill});
    CHECK(pool.submit(square, 2).result() == 4);  // so that there is a worker, and it is idle
    const concurrent::Future<void> cancelled = pool.submit(wait_for_ever);
    bool is_cancelled = false;
    std::thread canceller([&] { is_cancelled = cancelled.cancel(); });
    CHECK_THROWS_AS(cancelled.result(), CancelledError);
    canceller.join();
    CHECK(is_cancelled);
    const pid_t worker = pool.submit(worker_pid).result();
    const concurrent::Future<void> dies = pool.submit(wait_for_ever);
    std::thread killer([&] { ::kill(worker, SIGKILL); });
    CHECK_THROWS_AS(dies.result(), BrokenProcessPool);
    killer.join();
    CHECK(pool.submit(square, 3).result() == 9);
}

TEST_CASE("ProcessPoolExecutor: a wait for a result may end before it comes") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    CHECK(pool.submit(square, 2).result() == 4);
    const concurrent::Future<void> blocks = pool.submit(wait_for_ever);
    CHECK_THROWS_AS(blocks.result(1ms), ringio::TimeoutError);
    CHECK_THROWS_AS(blocks.result(0s), ringio::TimeoutError);
    CHECK(blocks.running());
    std::thread killer([&] { pool.kill_workers(); });
    CHECK_THROWS_AS(blocks.result(), BrokenProcessPool);
    killer.join();
}

TEST_CASE("ProcessPoolExecutor: several threads may wait for one result, or each for its own") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    std::atomic<int> right = 0;
    for (int round = 0; round < 200; ++round) {
        const concurrent::Future<int> shared = pool.submit(square, round);
        std::vector<std::thread> threads;
        for (int each = 0; each < 3; ++each) {
            threads.emplace_back([&, each] {
                right += shared.result() == round * round ? 1 : 0;
                right += pool.submit(square, each).result() == each * each ? 1 : 0;
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
    }
    CHECK(right == 1200);
}

TEST_CASE("ProcessPoolExecutor: a done callback is called also when nobody waits") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    CHECK(pool.submit(square, 2).result() == 4);
    std::atomic<int> seen = 0;
    const concurrent::Future<int> future = pool.submit(square, 3);
    future.add_done_callback([&](const concurrent::Future<int>& done) { seen = done.result(); });
    pool.shutdown();
    CHECK(seen == 9);
}

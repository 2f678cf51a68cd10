// What executor.py and test_process_pool.py of CPython ask of process pools, and others here do
// not.
#include <ringio/process/process_pool_executor.hpp>

#include <support/catch.hpp>
#include <support/no_processes.hpp>
#include <support/worker_calls.hpp>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace ringio::test_support::pool_names {
namespace {

using concurrent::BrokenProcessPool;
using concurrent::ProcessPoolExecutor;

int times_of(int a, int b) { return a * b; }
std::pair<int, int> divided(int a, int b) {
    if (b == 0) {
        throw std::domain_error("division by zero");
    }
    return {a / b, a % b};
}

/// Counts those that live in this process.
struct Counted {
    static inline std::atomic<int> living = 0;
    int number = 0;

    Counted() { ++living; }
    explicit Counted(int value) : number(value) { ++living; }
    Counted(const Counted& other) : number(other.number) { ++living; }
    Counted& operator=(const Counted&) = default;
    ~Counted() { --living; }

    template <class Archive>
    void serialize(Archive& archive) {
        archive(number);
    }
};

Counted count(const Counted& counted) { return counted; }
int living_there() { return Counted::living; }

std::vector<int> squares_below(int end) {
    std::vector<int> squares;
    for (int i = 0; i < end; ++i) {
        squares.push_back(i * i);
    }
    return squares;
}

}  // namespace

TEST_CASE("pool names: map() of two ranges, in chunks that are smaller, as large, and larger") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    std::vector<int> numbers(40);
    for (int i = 0; i < 40; ++i) {
        numbers[static_cast<std::size_t>(i)] = i;
    }
    for (const std::size_t chunksize : {1U, 3U, 6U, 40U, 50U}) {
        std::vector<int> products;
        for (const int product : pool.map(times_of, numbers, numbers, {.chunksize = chunksize})) {
            products.push_back(product);
        }
        CHECK(products == squares_below(40));
    }
}

TEST_CASE("pool names: what a call of a map() throws comes after the results before it") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    auto results =
        pool.map(divided, std::vector{1, 1, 1, 1}, std::vector{2, 3, 0, 5}, {.chunksize = 1});
    CHECK(results.next() == std::pair(0, 1));
    CHECK(results.next() == std::pair(0, 1));
    CHECK_THROWS_AS(results.next(), std::domain_error);
}

TEST_CASE("pool names: a worker that is killed breaks the pool") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    ProcessGate gate;
    const auto running = pool.submit(pass_with, gate.name(), 1);
    const auto queued = pool.submit(same_number, 2);
    gate.wait_until_reached();
    ::kill(pool.worker_pids().front(), SIGTERM);
    CHECK_THROWS_AS(running.result(), BrokenProcessPool);
    CHECK_THROWS_AS(queued.result(), BrokenProcessPool);
    CHECK_THROWS_AS(pool.submit(same_number, 3), BrokenProcessPool);
}

TEST_CASE("pool names: the error of a broken pool says how its worker ended") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    const pid_t worker = pool.submit(own_pid).result();
    const auto failing = pool.submit([] { ::_exit(99); });
    CHECK_THROWS_WITH(failing.result(),
                      Catch::Matchers::Contains("process " + std::to_string(worker) +
                                                " ended with exit status 99, in a call of "));
}

TEST_CASE("pool names: neither a worker nor the pool keeps the arguments and results of a call") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    {
        const auto future = pool.submit(count, Counted(3));
        CHECK(future.result().number == 3);
        CHECK(pool.submit(living_there).result() == 0);  // now the manager is done with the first
        CHECK(Counted::living == 1);                     // the future's
    }
    CHECK(Counted::living == 0);
    {
        const std::vector<Counted> inputs(10);
        auto results = pool.map(count, inputs, {.chunksize = 1});
        for (int i = 0; i < 10; ++i) {
            CHECK(results.next()->number == 0);
        }
        CHECK(pool.submit(living_there).result() == 0);
        CHECK(Counted::living <= 11);  // beside the inputs, the last one
    }
    CHECK(Counted::living == 0);
}

TEST_CASE("pool names: there are no more workers than allowed, however many calls are queued") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(3);
    ProcessGate gate;
    std::vector<concurrent::Future<int>> futures;
    for (int i = 0; i < 45; ++i) {
        futures.push_back(pool.submit(pass_with, gate.name(), i));
    }
    gate.wait_until_reached(3);
    CHECK(pool.worker_pids().size() == 3);
    gate.open();
    for (int i = 0; i < 45; ++i) {
        CHECK(futures[static_cast<std::size_t>(i)].result() == i);
    }
    CHECK(pool.worker_pids().size() == 3);
}

TEST_CASE("pool names: idle workers are taken again before there are more") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(5);
    for (int round = 0; round < 3; ++round) {
        CHECK(pool.submit(times_of, 12, 7).result() == 84);
        pool.submit(times_of, 33, 25);
    }
    CHECK(pool.worker_pids().size() <= 3);
}

TEST_CASE("pool names: calls that outnumber what the workers may make are all made") {
    for (const auto& [workers, calls] : {std::pair(1U, 6), std::pair(2U, 8)}) {
        const NoProcesses none_left;
        ProcessPoolExecutor pool({.max_workers = workers, .max_tasks_per_child = 2});
        std::vector<concurrent::Future<int>> futures;
        for (int i = 0; i < calls; ++i) {
            futures.push_back(pool.submit(times_of, i, 2));
        }
        for (int i = 0; i < calls; ++i) {
            CHECK(futures[static_cast<std::size_t>(i)].result() == 2 * i);
        }
    }
}

}  // namespace ringio::test_support::pool_names

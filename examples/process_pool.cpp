// Calls that keep processors busy, in worker processes: one by one, in portions, with an
// initializer; and a worker that dies. Python: ProcessPoolExecutor, submit(), map(), wrap_future().
#include <fmt/core.h>
#include <ringio.hpp>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

namespace concurrent = ringio::concurrent;

// [call]
struct Range {
    long first;
    long last;
};

// The number of steps until the Collatz sequence of a number of the range is 1, at most.
long longest_sequence(const Range& range) {
    long longest = 0;
    for (long start = range.first; start <= range.last; ++start) {
        long steps = 0;
        for (long n = start; n != 1; n = n % 2 == 0 ? n / 2 : 3 * n + 1) {
            ++steps;
        }
        longest = std::max(longest, steps);
    }
    return longest;
}

ringio::Task<> ask() {
    concurrent::ProcessPoolExecutor pool({.max_workers = 2});
    auto& loop = ringio::get_running_loop();
    const auto [low, high] =
        co_await ringio::gather(loop.run_in_executor(pool, longest_sequence, Range{1, 1000}),
                                loop.run_in_executor(pool, longest_sequence, Range{1001, 2000}));
    fmt::print("{} and {} steps\n", low, high);
}
// [/call]

// [map]
int square(int x) { return x * x; }

void sum_of_squares() {
    concurrent::ProcessPoolExecutor pool({.max_workers = 2});
    std::vector<int> numbers(1000);
    std::iota(numbers.begin(), numbers.end(), 1);
    long sum = 0;
    for (const int each : pool.map(square, numbers)) {  // in the order of the numbers
        sum += each;
    }
    fmt::print("the sum of the squares up to 1000 is {}\n", sum);
}
// [/map]

// [initializer]
std::string greeting;  // each worker has its own

void set_greeting(const std::string& word, int marks) {
    greeting = word + std::string(static_cast<std::size_t>(marks), '!');
}

std::string greet(const std::string& name) { return name + ": " + greeting; }

void greet_all() {
    concurrent::ProcessPoolExecutor pool(
        {.max_workers = 2, .initializer = {set_greeting, "hello", 2}});
    fmt::print("{}\n{}\n", pool.submit(greet, "Ada").result(),
               pool.submit(greet, "Grace").result());
    fmt::print("here it is '{}'\n", greeting);
}
// [/initializer]

// [death]
void survive() {
    concurrent::ProcessPoolExecutor pool(
        {.max_workers = 1, .on_worker_death = concurrent::OnWorkerDeath::fail_task});
    const auto dies = pool.submit([] { std::abort(); });
    const auto lives = pool.submit(square, 12);
    try {
        dies.result();
    } catch (const concurrent::BrokenProcessPool&) {
        fmt::print("one worker is gone; another one says {}\n", lives.result());
    }
}
// [/death]

// [main]
int main(int argc, char** argv) {
    if (const auto code = ringio::process_worker(argc, argv)) {
        return *code;  // this is a worker, and has done its work
    }
    ringio::run(ask());
    sum_of_squares();
    greet_all();
    survive();
}
// [/main]

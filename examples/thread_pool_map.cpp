// Many calls in a pool of threads: their results in the order of the input, as they come, and the
// first one. Python: pool.map(fn, values), as_completed(futures), wait(futures, timeout,
// return_when), ThreadPoolExecutor(initializer=…, initargs=…).
#include <fmt/core.h>
#include <ringio.hpp>

#include <latch>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using ringio::concurrent::ThreadPoolExecutor;

// [initializer]
thread_local std::string connection;  // of each worker its own

void log_in(const std::string& host, int port) { connection = fmt::format("{}:{}", host, port); }

std::string fetch(const std::string& page) { return fmt::format("{} from {}", page, connection); }
// [/initializer]

bool is_prime(long number) {
    for (long divisor = 2; divisor * divisor <= number; ++divisor) {
        if (number % divisor == 0) {
            return false;
        }
    }
    return number > 1;
}

void map() {
    // [map]
    const std::vector<long> numbers = {112272535095293, 112582705942171, 115280095190773,
                                       115797848077099, 1099726899285419};
    ThreadPoolExecutor pool;
    auto results = pool.map(is_prime, numbers);  // all calls are submitted here
    for (const long number : numbers) {
        fmt::print("{} is prime: {}\n", number, *results.next());  // the results in this order
    }

    // An input without an end: no more than four calls ahead of the result that is asked for.
    for (const long square : pool.map([](long value) { return value * value; },
                                      std::views::iota(1L), {.buffersize = 4})) {
        if (square > 50) {
            fmt::print("the first square above 50 is {}\n", square);
            break;  // cancels the calls that have not begun
        }
    }
    // [/map]
}

void initializer() {
    // [pool_with_initializer]
    ThreadPoolExecutor pool({.max_workers = 2, .initializer = {log_in, "localhost", 8080}});
    for (const std::string& page : pool.map(fetch, std::vector<std::string>{"/a", "/b"})) {
        fmt::print("{}\n", page);
    }
    // [/pool_with_initializer]
}

void as_completed() {
    ThreadPoolExecutor pool(3);
    std::vector<ringio::concurrent::Future<int>> futures;
    std::latch slow(1);
    futures.push_back(pool.submit([&] {
        slow.wait();
        return 1;
    }));
    futures.push_back(pool.submit([] { return 2; }));
    const auto held = futures[0];
    // [wait]
    const auto [done, not_done] =
        ringio::concurrent::wait(futures, {.return_when = ringio::ReturnWhen::first_completed});
    fmt::print("{} done, {} not\n", done.size(), not_done.size());

    for (auto future : ringio::concurrent::as_completed(std::move(futures))) {
        fmt::print("result {}\n", future.result());
        if (future != held) {
            slow.count_down();  // the other one may go on
        }
    }
    // [/wait]
}

int main() {
    map();
    initializer();
    as_completed();
}

// Sums that keep processors busy, in a process for each of them: first without a loop, then
// awaited, with a bar. Python: multiprocessing.Pool().map(cpu_bound, numbers).
#include <fmt/core.h>
#include <ringio.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

using Sums = std::vector<std::uint64_t>;

std::uint64_t cpu_bound(std::uint64_t number) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < number; ++i) {
        sum += i * i;
    }
    return sum;
}

// [find_sums]
Sums find_sums(const std::vector<std::uint64_t>& numbers) {
    Sums sums;
    ringio::concurrent::ProcessPoolExecutor pool;
    for (const std::uint64_t sum : pool.map(cpu_bound, numbers)) {
        sums.push_back(sum);
    }
    return sums;
}
// [/find_sums]

// [await_sums]
ringio::Task<Sums> await_sums(std::vector<std::uint64_t> numbers) {
    Sums sums;
    ringio::concurrent::ProcessPoolExecutor pool;
    std::vector<ringio::Future<std::uint64_t>> calls;
    for (const std::uint64_t number : numbers) {
        calls.push_back(ringio::get_running_loop().run_in_executor(pool, cpu_bound, number));
    }
    auto steps = ringio::progress(calls, {.label = "sums"});
    for (auto& next : steps) {
        const std::uint64_t sum = co_await next;
        sums.push_back(sum);
    }
    co_return sums;
}
// [/await_sums]

int main(int argc, char** argv) {
    if (const auto code = ringio::process_worker(argc, argv)) {
        return *code;
    }
    std::vector<std::uint64_t> numbers;
    for (std::uint64_t x = 0; x < 20; ++x) {
        numbers.push_back(500'000 + x);
    }
    const auto start_time = std::chrono::steady_clock::now();
    const Sums sums = find_sums(numbers);
    const std::chrono::duration<double> duration = std::chrono::steady_clock::now() - start_time;
    fmt::print("Duration {:.3f} seconds\n", duration.count());
    fmt::print("sums from {} to {}\n", sums.front(), sums.back());

    Sums awaited = ringio::run(await_sums(numbers));
    std::ranges::sort(awaited);  // they come as they end
    fmt::print("the same: {}\n", awaited == sums);
}

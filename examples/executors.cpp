// Calls that block, and one that computes: in the loop's own threads, in threads of one's own, and
// in processes. Python: await loop.run_in_executor(None, func1), and with a ThreadPoolExecutor or a
// ProcessPoolExecutor.
#include <fmt/core.h>
#include <ringio.hpp>
#include <ringio/main.hpp>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>

using namespace std::chrono_literals;

std::string func1() {
    std::this_thread::sleep_for(10ms);
    return "func1 return";
}

std::string blocking_io() {
    std::string bytes(100, '\0');
    std::ifstream("/dev/urandom", std::ios::binary).read(bytes.data(), 100);
    return bytes;
}

std::uint64_t cpu_bound() {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < 1'000'000; ++i) {
        sum += i * i;
    }
    return sum;
}

// [executors]
ringio::Task<> run_everywhere() {
    auto& loop = ringio::get_running_loop();

    // 1. In the loop's default executor.
    std::string result = co_await loop.run_in_executor(nullptr, func1);
    fmt::print("default thread pool {}\n", result);

    // 2. In a pool of threads.
    ringio::concurrent::ThreadPoolExecutor threads;
    result = co_await loop.run_in_executor(&threads, func1);
    fmt::print("custom thread pool {}\n", result);

    // 3. In a pool of processes.
    ringio::concurrent::ProcessPoolExecutor processes({.max_workers = 2});
    result = co_await loop.run_in_executor(processes, func1);
    fmt::print("custom process pool {}\n", result);

    const std::string bytes = co_await loop.run_in_executor(&threads, blocking_io);
    fmt::print("custom thread pool: {} random bytes\n", bytes.size());
    const std::uint64_t sum = co_await loop.run_in_executor(processes, cpu_bound);
    fmt::print("custom process pool: {}\n", sum);
}
// [/executors]

ringio::Task<int> co_main(int, char**) {
    co_await run_everywhere();
    co_return 0;
}

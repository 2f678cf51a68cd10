// Calls in a pool of threads, whose futures the loop waits for together. Python: future =
// pool.submit(return_after_5_secs, message), await asyncio.wrap_future(future), and
// asyncio.gather(*tasks).
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <ringio.hpp>

#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

std::string return_after_50_ms(std::string message) {
    std::this_thread::sleep_for(50ms);
    return message;
}

ringio::concurrent::ThreadPoolExecutor pool(3);

ringio::Task<std::string> doit() {
    std::random_device random;
    const int identify = std::uniform_int_distribution(1, 100)(random);
    const std::string message = fmt::format("result: {}", identify);
    auto future = pool.submit(return_after_50_ms, message);
    auto awaitable = ringio::wrap_future(future);
    fmt::print("waiting result: {}\n", identify);
    co_return co_await awaitable;
}

ringio::Task<> app() {
    std::vector<ringio::Task<std::string>> tasks;
    tasks.push_back(doit());
    tasks.push_back(doit());
    const std::vector<std::string> result = co_await ringio::gather(std::move(tasks));
    fmt::print("{}\n", result);
}

int main() {
    fmt::print("waiting app\n");
    ringio::run(app());
}

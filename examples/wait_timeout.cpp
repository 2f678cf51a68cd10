// asyncio.wait with a timeout: it gives what is done and what is still pending, and cancels
// nothing. Python: done, pending = await asyncio.wait(tasks, timeout=3).
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<int> task(int n) {
    co_await ringio::sleep(n < 3 ? n * 10ms : 1h);
    co_return n;
}

ringio::Task<> main_coroutine() {
    std::vector<ringio::TaskHandle<int>> tasks;
    for (int i = 1; i < 4; ++i) {
        tasks.push_back(ringio::create_task(task(i)));
    }
    auto [done, pending] = co_await ringio::wait(tasks, {.timeout = 1s});
    for (const auto& done_task : done) {
        auto result = co_await done_task;
        fmt::print("Task completed with result: {}\n", result);
    }
    for (const auto& pending_task : pending) {
        fmt::print("Task is still pending: {}\n", pending_task);
    }
}

int main() { ringio::run(main_coroutine()); }

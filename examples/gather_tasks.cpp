// Two tasks, gathered. Python: tasks = [asyncio.create_task(func1()), ...] and
// asyncio.gather(*tasks).
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<> func1() {
    fmt::print("1\n");
    co_await ringio::sleep(20ms);
    fmt::print("2\n");
}

ringio::Task<> func2() {
    fmt::print("3\n");
    co_await ringio::sleep(20ms);
    fmt::print("4\n");
}

ringio::Task<> main_coroutine() {
    auto task1 = ringio::create_task(func1());
    auto task2 = ringio::create_task(func2());
    std::vector tasks = {task1, task2};
    co_await ringio::gather(tasks);
}

int main() { ringio::run(main_coroutine()); }

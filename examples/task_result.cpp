// result() of tasks that are done. Python: `for task in tasks: print(task.result())`.
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<int> func1(int x) {
    fmt::print("1\n");
    co_await ringio::sleep(20ms);
    fmt::print("2\n");
    co_return (x * x);
}

ringio::Task<int> func2(int y) {
    fmt::print("3\n");
    co_await ringio::sleep(20ms);
    fmt::print("4\n");
    co_return (y * y);
}

ringio::Task<> main_coroutine() {
    auto task1 = ringio::create_task(func1(12));
    auto task2 = ringio::create_task(func2(2));
    std::vector tasks = {task1, task2};
    co_await ringio::gather(tasks);
    for (const auto& task : tasks) {
        fmt::print("{}\n", task.result());
    }
}

int main() { ringio::run(main_coroutine()); }

// Tasks run at the same time: both sleep together. Python: task1 = asyncio.create_task(...),
// result1 = await task1.
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<std::string> func(std::string flag) {
    fmt::print("1\n");
    co_await ringio::sleep(20ms);
    fmt::print("2\n");
    co_return flag;
}

ringio::Task<> main_coroutine() {
    fmt::print("main start\n");
    auto task1 = ringio::create_task(func("task1"));
    auto task2 = ringio::create_task(func("task2"));
    fmt::print("main end\n");
    auto result1 = co_await task1;
    auto result2 = co_await task2;
    fmt::print("{} {}\n", result1, result2);
}

int main() { ringio::run(main_coroutine()); }

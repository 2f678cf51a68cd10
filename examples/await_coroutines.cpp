// Coroutines that are awaited run one after the other: the second starts when the first is done.
// Python: result1 = await func("func1").
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
    auto result1 = co_await func("func1");
    auto result2 = co_await func("func2");
    fmt::print("{} {}\n", result1, result2);
}

int main() { ringio::run(main_coroutine()); }

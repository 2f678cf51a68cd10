// Two futures, waited for together. Python: asyncio.ensure_future(func1()), ... and
// asyncio.wait(tasks).
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
    std::vector tasks = {ringio::ensure_future(func1()), ringio::ensure_future(func2())};
    co_await ringio::wait(tasks);
}

int main() { ringio::run(main_coroutine()); }

// Two coroutines, gathered. Python: asyncio.run(main()) with
// `await asyncio.gather(func1(), func2())`.
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

ringio::Task<> main_coroutine() { co_await ringio::gather(func1(), func2()); }

int main() { ringio::run(main_coroutine()); }

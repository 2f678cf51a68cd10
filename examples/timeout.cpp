// asyncio.timeout: a scope with a deadline. Python: `async with asyncio.timeout(10):
// await long_running_task()`.
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<> long_running_task() {
    co_await ringio::sleep(1h);
    fmt::print("never reached\n");
}

ringio::Task<> main_coroutine() {
    try {
        co_await ringio::timeout(100ms, long_running_task);
    } catch (const ringio::TimeoutError&) {
        fmt::print("The long operation timed out, but we've handled it.\n");
    }
    fmt::print("This statement will run regardless.\n");
}

int main() { ringio::run(main_coroutine()); }

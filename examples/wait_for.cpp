// asyncio.wait_for: at most so long; then the coroutine is cancelled. Python:
// `try: await asyncio.wait_for(foo(), timeout=5)`, `except asyncio.TimeoutError:
// print("timeout!")`.
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<> foo() {
    co_await ringio::sleep(1h);
    fmt::print("Foo!\n");
}

ringio::Task<> main_coroutine() {
    try {
        co_await ringio::wait_for(foo(), 50ms);
    } catch (const ringio::TimeoutError&) {
        fmt::print("timeout!\n");
    }
}

int main() { ringio::run(main_coroutine()); }

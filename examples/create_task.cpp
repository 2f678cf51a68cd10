// asyncio.create_task: the task runs while its creator waits; printed, it tells its state.
// Python: task = asyncio.create_task(foo()), print(task).
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<> foo() {
    co_await ringio::sleep(100ms);
    fmt::print("Foo!\n");
}

ringio::Task<> hello_world() {
    auto task = ringio::create_task(foo());
    fmt::print("{}\n", task);
    co_await ringio::sleep(50ms);
    fmt::print("Hello World!\n");
    fmt::print("{}\n", task);
    co_await task;
    fmt::print("{}\n", task);
}

int main() { ringio::run(hello_world()); }

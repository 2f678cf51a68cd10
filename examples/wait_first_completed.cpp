// asyncio.wait until the first task is done; the others go on. What it gives is printed as Python
// prints its pair of sets. Python: print(await asyncio.wait(tasks, return_when=FIRST_COMPLETED)).
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<int> foo(int n) {
    co_await ringio::sleep(n == 2 ? 10ms : 1h);
    fmt::print("n: {}!\n", n);
    co_return n;
}

ringio::Task<> main_coroutine() {
    auto task1 = ringio::create_task(foo(1));
    auto task2 = ringio::create_task(foo(2));
    auto task3 = ringio::create_task(foo(3));
    std::vector tasks = {task1, task2, task3};
    // [wait_first_completed]
    auto [done, pending] =
        co_await ringio::wait(tasks, {.return_when = ringio::ReturnWhen::first_completed});
    fmt::print("({{{}}}, {{{}}})\n", fmt::join(done, ", "), fmt::join(pending, ", "));
    // [/wait_first_completed]
}

int main() { ringio::run(main_coroutine()); }

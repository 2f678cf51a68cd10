// A coroutine that never waits is never interrupted: all of c1_1, then all of c2_1.
// Python: two tasks of `for i in range(n): print(prefix, i)` under one asyncio.wait.
#include <fmt/core.h>
#include <ringio.hpp>

ringio::Task<> print_numbers_async1(int n, std::string prefix) {
    for (int i = 0; i < n; ++i) {
        fmt::print("{} {}\n", prefix, i);
    }
    co_return;
}

int main() {
    ringio::EventLoop loop1;
    auto count1_1 = loop1.create_task(print_numbers_async1(10, "c1_1"));
    auto count2_1 = loop1.create_task(print_numbers_async1(10, "c2_1"));
    loop1.run_until_complete(ringio::wait({count1_1, count2_1}));
    loop1.close();
}

// sleep(0s) lets the other tasks run: the two take turns after 0 and after 5.
// Python: `if i % 5 == 0: await asyncio.sleep(0)` in the loop of the program before.
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<> print_numbers_async2(int n, std::string prefix) {
    for (int i = 0; i < n; ++i) {
        fmt::print("{} {}\n", prefix, i);
        if (i % 5 == 0) {
            co_await ringio::sleep(0s);
        }
    }
}

int main() {
    ringio::EventLoop loop2;
    auto count1_2 = loop2.create_task(print_numbers_async2(10, "c1_2"));
    auto count2_2 = loop2.create_task(print_numbers_async2(10, "c2_2"));
    loop2.run_until_complete(ringio::wait({count1_2, count2_2}));
    loop2.close();
}

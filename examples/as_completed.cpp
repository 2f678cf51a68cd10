// asyncio.as_completed: results as they come, the quickest first.
// Python: `for coro in asyncio.as_completed(tasks): result = await coro`.
#include <fmt/core.h>
#include <ringio.hpp>

#include <algorithm>
#include <array>
#include <random>

using namespace std::chrono_literals;

ringio::Task<int> foo(int n) {
    co_await ringio::sleep(n * 50ms);
    co_return n;
}

ringio::Task<> main_coroutine() {
    std::array numbers = {1, 2, 3};
    std::shuffle(numbers.begin(), numbers.end(), std::random_device());
    std::vector<ringio::Task<int>> tasks;
    for (int n : numbers) {
        tasks.push_back(foo(n));
    }
    const char* which = "the quickest result was";
    // [as_completed]
    for (auto& next : ringio::as_completed(tasks)) {
        int result = co_await next;
        fmt::print("{}: {}!\n", which, result);
        which = "the next quickest result was";
    }
    // [/as_completed]
}

int main() { ringio::run(main_coroutine()); }

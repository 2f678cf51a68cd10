// asyncio.gather: results in argument order, in whatever order the coroutines end.
// Python: results = await asyncio.gather(*[task(i) for i in range(1, 4)]).
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<int> task(int n) {
    co_await ringio::sleep((4 - n) * 20ms);  // the last one ends first
    co_return n;
}

ringio::Task<> main_coroutine() {
    std::vector<ringio::Task<int>> tasks;
    for (int i = 1; i < 4; ++i) {
        tasks.push_back(task(i));
    }
    auto results = co_await ringio::gather(tasks);
    fmt::print("{}\n", results);
}

int main() { ringio::run(main_coroutine()); }

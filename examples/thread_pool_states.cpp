// A pool of five threads and ten calls: a printed future tells whether its call runs or waits.
// Python: ThreadPoolExecutor(max_workers=5), pool.submit(fn, x), print(future), future.result().
#include <fmt/core.h>
#include <ringio.hpp>

#include <latch>
#include <vector>

int main() {
    ringio::concurrent::ThreadPoolExecutor pool(5);
    std::latch started(5);
    std::latch go_on(1);
    auto slow = [&](int number) {
        if (number < 5) {
            started.count_down();
        }
        go_on.wait();
        return number;
    };
    std::vector<ringio::concurrent::Future<int>> futures;
    for (int number = 0; number < 10; ++number) {
        futures.push_back(pool.submit(slow, number));
    }
    started.wait();
    for (const auto& future : futures) {
        fmt::print("{}\n", future);
    }
    go_on.count_down();
    for (const auto& future : futures) {
        fmt::print("{}\n", future.result());
    }
    fmt::print("{}\n", futures.front());
}

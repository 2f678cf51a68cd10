// A pool of five threads and ten calls: a printed future tells whether its call runs or waits.
// Python: ThreadPoolExecutor(max_workers=5), fut = pool.submit(func, i), print(fut).
#include <fmt/core.h>
#include <ringio.hpp>

#include <atomic>
#include <barrier>
#include <latch>
#include <vector>

int main() {
    std::atomic<int> running = 0;
    std::latch submitted(1);
    std::barrier<> wave(5);
    // Waits for the others where Python's sleeps for a second: so five run at a time.
    auto func = [&](int value) {
        ++running;
        running.notify_one();
        submitted.wait();
        wave.arrive_and_wait();
        fmt::print("{}\n", value);
        wave.arrive_and_wait();
        return 123;
    };
    ringio::concurrent::ThreadPoolExecutor pool(5);
    std::vector<ringio::concurrent::Future<int>> futures;
    for (int i = 0; i < 10; ++i) {
        auto fut = pool.submit(func, i);
        for (int now = running; i < 5 && now <= i; now = running) {
            running.wait(now);  // until a thread has taken it
        }
        fmt::print("{}\n", fut);
        futures.push_back(fut);
    }
    submitted.count_down();
    for (const auto& future : futures) {
        future.result();
    }
    fmt::print("{}\n", futures.front());
}

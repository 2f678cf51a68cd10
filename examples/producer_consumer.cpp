// asyncio.Queue: producers, workers, join() to wait until the work is done, and shutdown() to send
// the workers home. Python: `async with asyncio.TaskGroup() as group`, `queue.shutdown()`.
#include <fmt/core.h>
#include <ringio.hpp>
#include <ringio/testing.hpp>

using namespace std::chrono_literals;

// [worker]
ringio::Task<> worker(ringio::Queue<int>& queue, char name) {
    try {
        for (;;) {
            const int job = co_await queue.get();
            co_await ringio::sleep(job * 100ms);
            fmt::print("worker {} has done job {}\n", name, job);
            queue.task_done();
        }
    } catch (const ringio::QueueShutDown&) {
        fmt::print("worker {} goes home\n", name);
    }
}
// [/worker]

// [producer]
ringio::Task<> producer(ringio::Queue<int>& queue) {
    for (int job = 1; job <= 5; ++job) {
        co_await queue.put(job);  // waits while two jobs lie in the queue
        fmt::print("job {} is in the queue\n", job);
    }
}
// [/producer]

ringio::Task<> main_coroutine() {
    // [run]
    ringio::Queue<int> queue(2);
    auto first = ringio::create_task(worker(queue, 'a'));
    auto second = ringio::create_task(worker(queue, 'b'));
    co_await producer(queue);
    co_await queue.join();
    queue.shutdown();
    co_await ringio::gather(first, second);
    // [/run]
}

int main() { ringio::testing::run_virtual(main_coroutine()); }

// shutdown() of a pool waits for what was submitted: the future is done, without anybody having
// waited for it. Python: future = THREAD_POOL.submit(slow_op, "a", "b", "c"),
// THREAD_POOL.shutdown(), assert future.done().
#include <fmt/core.h>
#include <ringio.hpp>

#include <string>

namespace {

ringio::concurrent::ThreadPoolExecutor thread_pool(5);

int slow_op(const std::string&, const std::string&, const std::string&) {
    volatile int count = 0;
    while (count < 100'000) {
        count = count + 1;
    }
    return count;
}

bool do_something() {
    // [pool_shutdown]
    auto future = thread_pool.submit(slow_op, "a", "b", "c");
    thread_pool.shutdown();
    const bool is_done = future.done() && !future.cancelled();
    // [/pool_shutdown]
    fmt::print("got the result from slow_op: {}\n", future.result());
    return is_done;
}

}  // namespace

int main() {
    fmt::print("program started\n");
    const bool was_done = do_something();
    fmt::print("program complete\n");
    return was_done ? 0 : 1;
}

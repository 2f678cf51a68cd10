// A call in another process, whose future is waited for without a loop. Python:
// pool.submit(slow_op, "a", "b", "c") to a ProcessPoolExecutor, and
// concurrent.futures.as_completed(futures).
#include <fmt/core.h>
#include <ringio.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

int slow_op(std::string a, std::string b, std::string c) {
    fmt::print("arguments: ('{}', '{}', '{}')\n", a, b, c);
    std::this_thread::sleep_for(50ms);
    fmt::print("slow operation complete\n");
    std::fflush(stdout);  // a worker that is ended does not
    return 123;
}

// [do_something]
bool do_something() {
    bool all_done = true;
    ringio::concurrent::ProcessPoolExecutor pool({.max_workers = 2});
    std::vector<ringio::concurrent::Future<int>> futures;
    futures.push_back(pool.submit(slow_op, "a", "b", "c"));
    for (const auto& future : ringio::concurrent::as_completed(futures)) {
        all_done = all_done && future.done() && !future.cancelled();
        fmt::print("got the result from slow_op: {}\n", future.result());
    }
    return all_done;
}
// [/do_something]

int main(int argc, char** argv) {
    if (const auto code = ringio::process_worker(argc, argv)) {
        return *code;
    }
    fmt::print("program started\n");
    std::fflush(stdout);  // the worker prints to the same file
    const bool all_done = do_something();
    fmt::print("program complete\n");
    return all_done ? 0 : 1;
}

// Calls that block, in threads: the loop's own pool, a pool of one's own, and to_thread.
// Python: await loop.run_in_executor(None, func1), loop.run_in_executor(pool, func1),
// asyncio.to_thread(func1, …).
#include <fmt/core.h>
#include <ringio.hpp>

#include <string>
#include <thread>

using namespace std::chrono_literals;

std::string func1(const std::string& who) {
    std::this_thread::sleep_for(10ms);
    return who + ": func1 return";
}

ringio::Task<> main_coroutine() {
    // [run_in_executor]
    auto& loop = ringio::get_running_loop();

    std::string result = co_await loop.run_in_executor(nullptr, func1, "default thread pool");
    fmt::print("{}\n", result);

    ringio::concurrent::ThreadPoolExecutor pool({.max_workers = 3, .thread_name_prefix = "func1"});
    result = co_await loop.run_in_executor(&pool, func1, "custom thread pool");
    fmt::print("{}\n", result);

    // Both calls sleep at the same time.
    const auto [one, two] = co_await ringio::gather(ringio::to_thread(func1, "first thread"),
                                                    ringio::to_thread(func1, "second thread"));
    fmt::print("{}\n{}\n", one, two);
    // [/run_in_executor]
}

int main() { ringio::run(main_coroutine()); }

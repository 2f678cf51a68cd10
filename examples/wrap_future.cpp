// Futures of a thread pool, awaited by a task; and the way back, a thread that asks the loop.
// Python: asyncio.wrap_future(pool.submit(…)), asyncio.run_coroutine_threadsafe(f(), loop).
#include <fmt/core.h>
#include <ringio.hpp>

#include <string>
#include <thread>

using namespace std::chrono_literals;

std::string slow_op(int number) {
    std::this_thread::sleep_for(10ms);
    return fmt::format("slow op {}", number);
}

ringio::Task<int> square(int number) {
    co_await ringio::sleep(1ms);
    co_return number* number;
}

ringio::Task<> main_coroutine() {
    ringio::concurrent::ThreadPoolExecutor pool(5);
    fmt::print("waiting app\n");
    // [wrap_future]
    auto first = ringio::wrap_future(pool.submit(slow_op, 62));
    auto second = ringio::wrap_future(pool.submit(slow_op, 83));
    const auto [one, two] = co_await ringio::gather(first, second);
    // [/wrap_future]
    fmt::print("{}, {}\n", one, two);

    // [run_coroutine_threadsafe]
    auto& loop = ringio::get_running_loop();
    auto asked = pool.submit(
        [&loop] { return ringio::run_coroutine_threadsafe(square(12), loop).result(1s); });
    const int answer = co_await ringio::wrap_future(asked);
    // [/run_coroutine_threadsafe]
    fmt::print("the thread was told {}\n", answer);
}

int main() { ringio::run(main_coroutine()); }

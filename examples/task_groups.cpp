// A task group waits for its tasks. When one fails, the others are cancelled, and the group throws
// every error together. Python: `async with asyncio.TaskGroup() as group`.
#include <fmt/core.h>
#include <ringio.hpp>

#include <stdexcept>

using namespace std::chrono_literals;

ringio::Task<int> square(int n) {
    co_await ringio::sleep(10ms);
    co_return (n * n);
}

ringio::Task<int> fail() {
    co_await ringio::sleep(20ms);
    throw std::runtime_error("boom");
}

ringio::Task<> sleeper() {
    try {
        co_await ringio::sleep(1h);
    } catch (const ringio::CancelledError&) {
        fmt::print("the sleeper is cancelled\n");
        throw;
    }
}

// [task_groups]
ringio::Task<> main_coroutine() {
    co_await ringio::task_group([](ringio::TaskGroup& group) -> ringio::Task<> {
        auto three = group.create_task(square(3));
        auto four = group.create_task(square(4));
        int sum = co_await three + co_await four;
        fmt::print("the sum is {}\n", sum);
    });

    try {
        co_await ringio::task_group([](ringio::TaskGroup& group) -> ringio::Task<> {
            group.create_task(sleeper());
            group.create_task(fail());
            co_return;
        });
    } catch (const ringio::ExceptionGroup& errors) {
        fmt::print("{}\n", errors.what());
    }
}
// [/task_groups]

int main() { ringio::run(main_coroutine()); }

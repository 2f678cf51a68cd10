// A task that is cancelled gets a CancelledError where it waits, cleans up and ends; a shield keeps
// what must not be interrupted. Python: task.cancel(), asyncio.shield().
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

// [cancellation]
ringio::Task<> worker() {
    try {
        co_await ringio::sleep(1h);
    } catch (const ringio::CancelledError&) {
        fmt::print("worker: cleaning up\n");
        throw;
    }
}

ringio::Task<> main_coroutine() {
    auto task = ringio::create_task(worker());
    co_await ringio::sleep(10ms);
    task.cancel();
    try {
        co_await task;
    } catch (const ringio::CancelledError&) {
        fmt::print("main: the worker is cancelled: {}\n", task.cancelled());
    }
}
// [/cancellation]

ringio::Task<std::string> save() {
    co_await ringio::sleep(50ms);
    co_return "saved";
}

ringio::Task<> shielded() {
    auto saving = ringio::create_task(save());
    try {
        co_await ringio::wait_for(ringio::shield(saving), 10ms);
    } catch (const ringio::TimeoutError&) {
        fmt::print("shielded: no time to wait\n");
    }
    auto result = co_await saving;
    fmt::print("shielded: {}\n", result);
}

int main() {
    ringio::run(main_coroutine());
    ringio::run(shielded());
}

// A group starts a service, waits until it is ready, uses it, and sends everybody home.
// Python: trio's nursery.start(); asyncio.TaskGroup.cancel() in Python 3.15.
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<> serve(ringio::TaskStatus<int> status) {
    co_await ringio::sleep(10ms);  // looks for a free port
    status.started(8080);          // and with it start() returns
    try {
        co_await ringio::sleep(1h);
    } catch (const ringio::CancelledError&) {
        fmt::print("the service closes\n");
        throw;
    }
}

ringio::Task<> ask(int port) {
    co_await ringio::sleep(10ms);
    fmt::print("port {} has answered\n", port);
}

ringio::Task<> main_coroutine() {
    // [task_group_start]
    co_await ringio::task_group([](ringio::TaskGroup& group) -> ringio::Task<> {
        const int port = co_await group.start<int>(serve);
        fmt::print("ready on port {}\n", port);
        auto question = group.create_task(ask(port));
        co_await question;
        group.cancel();  // the service would run for ever
    });
    // [/task_group_start]
    fmt::print("everybody has left\n");
}

int main() { ringio::run(main_coroutine()); }

// A future that nobody will ever set. Python waits for ever; so does ringio, except in debug mode,
// where it says which tasks wait for what once nothing can wake the loop again.
#include <fmt/core.h>
#include <ringio.hpp>

ringio::Task<> main_coroutine() {
    auto& loop = ringio::get_running_loop();
    auto promise = loop.create_future();
    auto fut = promise.get_future();
    co_await fut;
}

int main() {
    try {
        ringio::run(main_coroutine(), {.debug = true});
    } catch (const ringio::DeadlockError& error) {
        fmt::print("{}\n", error.what());
    }
}

// Signals of the process, to a function and to a task. Python: loop.add_signal_handler().
#include <fmt/core.h>
#include <ringio.hpp>

#include <csignal>

using namespace std::chrono_literals;

// [add_signal_handler]
ringio::Task<> reload_on_sighup() {
    auto& loop = ringio::get_running_loop();
    loop.add_signal_handler(SIGHUP, [] { fmt::print("the configuration is read again\n"); });
    std::raise(SIGHUP);  // the handler runs on the loop, in its next turn
    fmt::print("SIGHUP was raised\n");
    co_await ringio::sleep(1ms);
    loop.remove_signal_handler(SIGHUP);
}
// [/add_signal_handler]

// [signals]
ringio::Task<> receive() {
    ringio::Signals signals({SIGUSR1, SIGTERM});
    std::raise(SIGUSR1);
    std::raise(SIGUSR1);
    for (;;) {
        const int number = co_await signals.next();
        if (number == SIGTERM) {
            break;
        }
        fmt::print("rotate the logs\n");
        std::raise(SIGTERM);
    }
    fmt::print("end\n");
}
// [/signals]

ringio::Task<> main_coroutine() {
    co_await reload_on_sighup();
    co_await receive();
}

int main() { ringio::run(main_coroutine()); }

// signals: loop.add_signal_handler() and remove_signal_handler().
#include <ringio/tasks.hpp>
#include "scenario.hpp"

#include <csignal>

namespace ringio::conformance {
namespace {

bool action_is_default(int number) {
    struct sigaction now = {};
    ::sigaction(number, nullptr, &now);
    return now.sa_handler == SIG_DFL;
}

void log_two(const char* text, int number) { log(text, number); }

auto logs(const char* text) {
    return [text] { log(text); };
}

CONFORMS("signals.handler_runs_on_the_loop") {
    EventLoop& loop = get_running_loop();
    loop.add_signal_handler(SIGUSR1, log_two, "handler", 7);
    for (int round = 0; round < 2; ++round) {
        std::raise(SIGUSR1);
        log("raised");
        co_await turns(3);
    }
    log(loop.remove_signal_handler(SIGUSR1));
}

CONFORMS_PLAIN("signals.before_the_loop_runs") {
    EventLoop loop(virtual_time());
    loop.add_signal_handler(SIGUSR1, logs("handler"));
    std::raise(SIGUSR1);
    log("raised");
    loop.run_until_complete(turns(3));
    loop.close();
    log(action_is_default(SIGUSR1));
}

CONFORMS("signals.replaces_the_handler") {
    EventLoop& loop = get_running_loop();
    loop.add_signal_handler(SIGUSR1, logs("first"));
    loop.add_signal_handler(SIGUSR1, logs("second"));
    std::raise(SIGUSR1);
    co_await turns(3);
    const bool removed = loop.remove_signal_handler(SIGUSR1);
    const bool again = loop.remove_signal_handler(SIGUSR1);
    log(removed, again);
    log(action_is_default(SIGUSR1));
}

CONFORMS("signals.refusals") {
    EventLoop& loop = get_running_loop();
    for (const int number : {77, -1, SIGKILL, SIGSTOP}) {
        log(call([&] { loop.add_signal_handler(number, [] {}); }));
    }
    for (const int number : {77, SIGKILL, SIGUSR1}) {
        log(call([&] { return loop.remove_signal_handler(number); }));
    }
    co_return;
}

CONFORMS("signals.handler_that_raises") {
    log_reports();
    EventLoop& loop = get_running_loop();
    loop.add_signal_handler(SIGUSR1, [] { throw std::invalid_argument("bad"); });
    for (int round = 0; round < 2; ++round) {
        std::raise(SIGUSR1);
        co_await turns(3);
    }
    loop.remove_signal_handler(SIGUSR1);
}

CONFORMS_PLAIN("signals.closed_loop") {
    EventLoop loop(virtual_time());
    loop.add_signal_handler(SIGUSR1, logs("handler"));
    log(action_is_default(SIGUSR1));
    loop.close();
    log(action_is_default(SIGUSR1));
    log(call([&] { loop.add_signal_handler(SIGUSR1, [] {}); }));
    log(call([&] { return loop.remove_signal_handler(SIGUSR1); }));
}

CONFORMS("signals.context_of_a_handler") {
    EventLoop& loop = get_running_loop();
    static ContextVar<int> variable("variable", 0);
    variable.set(1);
    loop.add_signal_handler(SIGUSR1, [] {
        variable.set(variable.get() + 10);
        log(variable.get());
    });
    for (int round = 0; round < 2; ++round) {
        std::raise(SIGUSR1);
        co_await turns(3);
    }
    log(variable.get());
    loop.remove_signal_handler(SIGUSR1);
}

Task<std::string> handle_interrupts() {
    EventLoop& loop = get_running_loop();
    loop.add_signal_handler(SIGINT, logs("handler"));
    for (int round = 0; round < 2; ++round) {
        std::raise(SIGINT);
        co_await turns(3);
    }
    co_return "done";
}

CONFORMS_PLAIN("signals.sigint_within_run") {
    std::signal(SIGINT, SIG_DFL);
    RunOptions options;
    options.loop.virtual_time = true;
    log(ringio::run(handle_interrupts(), options));
}

}  // namespace
}  // namespace ringio::conformance

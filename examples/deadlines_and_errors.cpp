// What users ask for first: a deadline that cancels, a cancellation that cleans up, and an error
// that is a value instead of an exception.
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<std::string> fetch(std::string name, std::chrono::milliseconds pause) {
    try {
        co_await ringio::sleep(pause);
        co_return "the page " + name;
    } catch (const ringio::CancelledError&) {
        fmt::print("{}: cleaning up\n", name);  // the request is over by then, no buffer in use
        throw;
    }
}

ringio::Task<> main_coroutine() {
    // [deadlines_and_errors]
    try {
        auto page = co_await ringio::wait_for(fetch("slow", 1h), 10ms);
        fmt::print("{}\n", page);
    } catch (const ringio::TimeoutError& error) {
        fmt::print("{}\n", error.what());  // "timed out"; fetch() was cancelled, and has ended
    }

    auto refused = co_await ringio::as_outcome(ringio::open_connection("127.0.0.1", 1));
    if (!refused.has_value()) {  // refused.exception() is the error, as a value
        fmt::print("no connection\n");
    }
    // [/deadlines_and_errors]
}

int main() { ringio::run(main_coroutine()); }

// Three ways to wait no longer than one wants: a scope, a scope that moves its deadline, wait_for.
// Python: asyncio.timeout(), Timeout.reschedule(), asyncio.wait_for().
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<std::string> fetch(std::string what, std::chrono::milliseconds pause) {
    co_await ringio::sleep(pause);
    co_return what;
}

ringio::Task<> main_coroutine() {
    // [timeouts]
    try {
        co_await ringio::timeout(50ms, []() -> ringio::Task<> {
            auto first = co_await fetch("first", 10ms);
            fmt::print("{}\n", first);
            co_await fetch("second", 1h);  // the deadline passes here
        });
    } catch (const ringio::TimeoutError&) {
        fmt::print("the scope timed out\n");
    }

    auto text = co_await ringio::wait_for(fetch("in time", 10ms), 5s);
    fmt::print("{}\n", text);
    // [/timeouts]

    co_await ringio::timeout(50ms, [](ringio::Timeout& scope) -> ringio::Task<> {
        scope.reschedule(ringio::get_running_loop().time() + 10s);
        co_await ringio::sleep(100ms);
        fmt::print("there was more time: {}\n", !scope.expired());
    });
}

int main() { ringio::run(main_coroutine()); }

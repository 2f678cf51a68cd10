// An asynchronous generator that is left early: aclose() lets it clean up, and wait meanwhile.
// Python: `async for`, `break`, `await gen.aclose()`.
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

// [aclose]
ringio::AsyncGenerator<int> readings(std::string sensor) {
    fmt::print("{}: open\n", sensor);
    try {
        for (int value = 20;; ++value) {
            co_await ringio::sleep(10ms);
            co_yield value;
        }
    } catch (const ringio::GeneratorExit&) {  // what aclose() throws at the co_yield
        fmt::print("{}: nobody asks any more\n", sensor);
    }
    co_await ringio::sleep(10ms);  // a farewell to the sensor
    fmt::print("{}: closed\n", sensor);
}

ringio::Task<> main_coroutine() {
    auto values = readings("thermometer");
    while (auto value = co_await values.next()) {
        fmt::print("{} degrees\n", *value);
        if (*value == 21) {
            break;
        }
    }
    co_await values.aclose();
}
// [/aclose]

int main() { ringio::run(main_coroutine()); }

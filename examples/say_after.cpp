// Coroutines awaited in turn: "world" comes 3 s after the start, for 1 s and 2 s add up.
// Python: await say_after(1, "hello"), await say_after(2, "world").
#include <fmt/chrono.h>
#include <fmt/core.h>
#include <ringio.hpp>

#include <ctime>

using namespace std::chrono_literals;

ringio::Task<> say_after(std::chrono::seconds delay, std::string what) {
    co_await ringio::sleep(delay);
    fmt::print("{}\n", what);
}

ringio::Task<> main_coroutine() {
    fmt::print("started at {:%X}\n", fmt::localtime(std::time(nullptr)));
    co_await say_after(1s, "hello");
    co_await say_after(2s, "world");
    fmt::print("finished at {:%X}\n", fmt::localtime(std::time(nullptr)));
}

int main() { ringio::run(main_coroutine()); }

// A generator computes a value when it is asked for one. Python: next(gen), and StopIteration where
// next() gives nothing here.
#include <fmt/core.h>
#include <ringio.hpp>

#include <ranges>

ringio::Generator<int> two_values() {
    co_yield 1;
    co_yield 2;
}

// [generator]
ringio::Generator<int> infinite_sequence() {
    for (int number = 0;; ++number) {
        co_yield number;
    }
}
// [/generator]

int main() {
    auto generator = two_values();
    for (int call = 1; call <= 3; ++call) {
        if (auto value = generator.next()) {
            fmt::print("{}\n", *value);
        } else {
            fmt::print("StopIteration\n");
        }
    }
    // [loop]
    for (int number : infinite_sequence() | std::views::take(5)) {
        fmt::print("{} ", number);
    }
    // [/loop]
    fmt::print("\n");
}

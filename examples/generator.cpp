// A generator computes a value when it is asked for one. Python: next(gen), and StopIteration where
// next() gives nothing here.
#include <fmt/core.h>
#include <ringio.hpp>

#include <ranges>
#include <string_view>

ringio::Generator<std::string_view> multi_yield() {
    co_yield "This will print the first string";
    co_yield "This will print the second string";
}

// [generator]
ringio::Generator<int> infinite_sequence() {
    for (int number = 0;; ++number) {
        co_yield number;
    }
}
// [/generator]

int main() {
    auto multi_obj = multi_yield();
    for (int call = 1; call <= 3; ++call) {
        if (auto value = multi_obj.next()) {
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

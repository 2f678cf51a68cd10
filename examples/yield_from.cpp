// A generator that delegates to another one. Python: `yield from func2()`.
#include <fmt/core.h>
#include <ringio.hpp>

ringio::Generator<int> func2() {
    co_yield 3;
    co_yield 4;
}

// [yield_from]
ringio::Generator<int> func1() {
    co_yield 1;
    co_yield ringio::elements_of(func2());
    co_yield 2;
}
// [/yield_from]

int main() {
    for (int item : func1()) {
        fmt::print("{}\n", item);
    }
}

// asyncio.gather: three coroutines sleep at the same time; the whole takes as long as one.
// Python: await asyncio.gather(foo(1), foo(2), foo(3)).
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<int> foo(int n) {
    co_await ringio::sleep(50ms);
    fmt::print("n: {}!\n", n);
    co_return (n * n);
}

// [gather]
ringio::Task<> main_coroutine() {
    auto [first, second, third] = co_await ringio::gather(foo(1), foo(2), foo(3));
    fmt::print("{} {} {}\n", first, second, third);
}
// [/gather]

int main() { ringio::run(main_coroutine()); }

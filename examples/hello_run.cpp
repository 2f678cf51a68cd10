// Hello world in one call: run() makes the loop, runs the coroutine and closes the loop.
// Python: asyncio.run(func("world")).
#include <fmt/core.h>
#include <ringio.hpp>

ringio::Task<> func(std::string name) {
    fmt::print("hello {}\n", name);
    co_return;
}

int main() { ringio::run(func("world")); }

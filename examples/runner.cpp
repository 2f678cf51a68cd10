// asyncio.Runner: several coroutines on one loop, one after the other.
// Python: `with asyncio.Runner() as runner: runner.run(main())`.
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<std::string> main_coroutine(std::string name) {
    co_await ringio::sleep(10ms);
    co_return "hello from " + name;
}

int main() {
    ringio::Runner runner;
    fmt::print("{}\n", runner.run(main_coroutine("the first run")));
    fmt::print("{}\n", runner.run(main_coroutine("the second, on the same loop")));
}

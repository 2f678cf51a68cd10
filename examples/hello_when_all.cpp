// Two coroutines at once: while one sleeps, the other runs. Both have ended when the statement is
// over, also when one of them fails.
// Python: an asyncio.TaskGroup whose tasks' results are used afterwards.
// [hello_when_all]
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<std::string> say(std::string who, std::chrono::milliseconds pause) {
    fmt::print("{}: hello\n", who);
    co_await ringio::sleep(pause);
    fmt::print("{}: goodbye\n", who);
    co_return who;
}

ringio::Task<> main_coroutine() {
    auto [first, second] = co_await ringio::when_all(say("Ada", 200ms), say("Grace", 100ms));
    fmt::print("{} and {} are done\n", first, second);
}

int main() { ringio::run(main_coroutine()); }
// [/hello_when_all]

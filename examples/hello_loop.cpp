// Hello world with an event loop in one's own hands. Python: task =
// loop.create_task(func("world")), loop.run_until_complete(task).
#include <fmt/core.h>
#include <ringio.hpp>

ringio::Task<> func(std::string name) {
    fmt::print("hello {}\n", name);
    co_return;
}

int main() {
    auto coro = func("world");
    ringio::EventLoop loop;
    auto task = loop.create_task(std::move(coro));
    loop.run_until_complete(task);
}

// From foo() to "Hello World!": one coroutine awaits another, first under run(), then on a loop.
// Python: asyncio.run(hello_world()), and loop.run_until_complete(hello_world()).
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<> foo() {
    co_await ringio::sleep(10ms);
    fmt::print("Foo!\n");
}

ringio::Task<> hello_world() {
    co_await foo();
    fmt::print("Hello World!\n");
}

int main() {
    ringio::run(hello_world());

    ringio::EventLoop loop;
    loop.run_until_complete(hello_world());
    loop.close();
}

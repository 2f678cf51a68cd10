// The least program: one coroutine that lets the loop turn once.
#include <ringio.hpp>

#include <cstdio>

ringio::Task<> hello() {
    co_await ringio::sleep(std::chrono::seconds(0));
    std::puts("hello, world");
}

int main() { ringio::run(hello()); }

// run() ends with its main coroutine: tasks that nobody awaited start, and are then cancelled, so
// no "2". Python: the same program, for the same reason.
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<std::string> func(std::string flag) {
    fmt::print("1\n");
    co_await ringio::sleep(20ms);
    fmt::print("2\n");
    co_return flag;
}

ringio::Task<> main_coroutine() {
    fmt::print("main start\n");
    auto task1 = ringio::create_task(func("task1"));
    auto task2 = ringio::create_task(func("task2"));
    fmt::print("main end\n");
    co_return;
}

int main() { ringio::run(main_coroutine()); }

// add_done_callback: the loop calls a function once the task is done.
// Python: task.add_done_callback(got_result).
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<std::string> foo() {
    co_await ringio::sleep(100ms);
    co_return "Foo!";
}

void got_result(const ringio::Future<std::string>& future) {
    fmt::print("got the result! {}\n", future.result());
}

ringio::Task<> hello_world() {
    auto task = ringio::create_task(foo());
    task.add_done_callback(got_result);
    fmt::print("{}\n", task);
    co_await ringio::sleep(50ms);
    fmt::print("Hello World!\n");
    co_await task;
    fmt::print("{}\n", task);
}

int main() { ringio::run(hello_world()); }

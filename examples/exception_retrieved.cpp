// Three ways to take notice of a task's exception; afterwards there is nothing left to report.
// Python: await task, task.result(), task.exception().
#include <fmt/core.h>
#include <ringio.hpp>

#include <stdexcept>

using namespace std::chrono_literals;

ringio::Task<int> fail(std::string why) {
    co_await ringio::sleep(1ms);
    throw std::runtime_error(why);
}

ringio::Task<> main_coroutine() {
    // [exception_retrieved]
    auto first = ringio::create_task(fail("the first"));
    try {
        co_await first;
    } catch (const std::runtime_error& error) {
        fmt::print("co_await threw: {}\n", error.what());
    }

    auto second = ringio::create_task(fail("the second"));
    std::vector tasks = {second};
    co_await ringio::wait(tasks);  // waits, and throws nothing
    try {
        fmt::print("{}\n", second.result());
    } catch (const std::runtime_error& error) {
        fmt::print("result() threw: {}\n", error.what());
    }

    auto third = ringio::create_task(fail("the third"));
    auto outcome = co_await ringio::as_outcome(third);
    fmt::print("there is a value: {}, an exception: {}\n", outcome.has_value(),
               third.exception() != nullptr);
    // [/exception_retrieved]
}

int main() { ringio::run(main_coroutine()); }

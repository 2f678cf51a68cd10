// Where the arguments and captures of a coroutine live, and how to write what g++ 12 gets right.
#include <fmt/core.h>
#include <ringio.hpp>

#include <memory>

using namespace std::chrono_literals;

// [by_value]
ringio::Task<> greet(std::string who) {  // by value: the coroutine owns its argument
    co_await ringio::sleep(1ms);
    fmt::print("hello {}\n", who);
}

ringio::TaskHandle<> greet_later() {
    const std::string who = "Ada";
    return ringio::create_task(greet(who));  // `who` is gone before the task begins
}
// [/by_value]

ringio::Task<> main_coroutine() {
    co_await greet_later();

    // [captures]
    const std::string name = "Grace";
    // A coroutine lambda that outlives its closure: no captures, arguments instead.
    auto task = ringio::create_task([](std::string who) -> ringio::Task<> {
        co_await ringio::sleep(1ms);
        fmt::print("hello {}\n", who);
    }(name));
    co_await task;

    // A scope function keeps its closure until it ends: captures by reference are safe.
    int greeted = 0;
    co_await ringio::task_group([&greeted](ringio::TaskGroup& group) -> ringio::Task<> {
        group.create_task(greet("Barbara"));
        ++greeted;
        co_return;
    });
    // [/captures]
    fmt::print("the group greeted {}\n", greeted);

    // [named_closures]
    // g++ 12: a closure that owns something is named before it stands in a co_await.
    auto names = std::make_shared<std::vector<std::string>>(2, "Edsger");
    auto print_size = [names]() -> ringio::Task<> {
        fmt::print("{} names\n", names->size());
        co_return;
    };
    co_await ringio::timeout(1s, print_size);                   // copied
    co_await ringio::timeout(1s, ringio::by_move(print_size));  // moved; a move-only one, too
    // [/named_closures]
}

int main() { ringio::run(main_coroutine()); }

// Two tasks take two locks in opposite orders, and wait for each other for ever. In virtual time,
// and in debug mode, the loop finds that nothing can wake it any more, and says where they stand.
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

// [stuck_tasks]
ringio::Task<> transfer(ringio::Lock& from, ringio::Lock& to) {
    auto held_from = co_await from.scoped();
    co_await ringio::sleep(1s);
    auto held_to = co_await to.scoped();
}

ringio::Task<> main_coroutine() {
    ringio::Lock savings;
    ringio::Lock current;
    auto first = ringio::create_task(transfer(savings, current), {.name = "pay the rent"});
    auto second = ringio::create_task(transfer(current, savings), {.name = "save the rest"});
    co_await ringio::gather(first, second);
}

int main() {
    try {
        ringio::testing::run_virtual(main_coroutine());
    } catch (const ringio::DeadlockError& error) {
        fmt::print("{}\n", error.what());
    }
}
// [/stuck_tasks]

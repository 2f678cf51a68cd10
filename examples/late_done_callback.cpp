// A callback that is added to a task that is done is called all the same, by the loop: here after
// main has ended. Python: task_set.add_done_callback(callback) after `await task_set`.
#include <fmt/core.h>
#include <ringio.hpp>

#include <random>

void callback(const ringio::Future<int>& future) {
    int number_info = future.result() - 100;
    fmt::print("{}\n", number_info);
}

ringio::Task<int> set_number() {
    std::random_device random;
    int random_number = std::uniform_int_distribution(0, 100)(random);
    co_return random_number;
}

ringio::Task<> main_coroutine() {
    auto task_set = ringio::create_task(set_number());
    co_await task_set;
    int number = task_set.result();
    fmt::print("random number: {}\n", number);
    task_set.add_done_callback(callback);
    fmt::print("end main\n");
}

int main() { ringio::run(main_coroutine()); }

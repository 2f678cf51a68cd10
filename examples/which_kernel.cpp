// Which kernel a loop runs on: what it found by itself, and what it was told.
#include <fmt/core.h>
#include <ringio.hpp>

// [ask]
ringio::Task<> main_coroutine() {
    fmt::print("this loop runs on {}\n", ringio::get_running_loop().kernel_name());
    co_return;
}
// [/ask]

int main() {
    ringio::run(main_coroutine());

    // [choose]
    ringio::LoopOptions options;
    options.kernel = &ringio::epoll_kernel();
    ringio::run(main_coroutine(), {.loop = options});
    // [/choose]
}

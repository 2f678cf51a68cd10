// Workers that fork() makes: each runs a loop of its own.
// Python: os.fork(), and asyncio.run() in the child.
#include <fmt/core.h>
#include <ringio.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;

ringio::Task<int> worker(int number) {
    co_await ringio::sleep(number * 20ms);
    fmt::print("worker {} is done\n", number);
    co_return 0;
}

// [fork]
ringio::Task<> parent() {
    for (int number = 1; number <= 3; ++number) {
        std::fflush(stdout);
        if (fork() == 0) {
            // Within a task of the parent, and yet no loop runs here.
            const int status = ringio::run(worker(number));
            std::fflush(stdout);
            _exit(status);  // not return: the rest of this coroutine is the parent's
        }
    }
    for (int left = 3; left > 0; --left) {
        co_await ringio::to_thread([] { ::wait(nullptr); });
    }
    fmt::print("the parent's loop has seen them all\n");
}
// [/fork]

int main() { ringio::run(parent()); }

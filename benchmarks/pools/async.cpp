// The jobs of threads.c by std::async, which starts a thread for each call.
#include "threads.hpp"

#include <future>

int main(int argc, char** argv) {
    const std::uint64_t count = number_argument(argc, argv, 2);
    bench::run_threads(
        argv[1], count,
        [](auto function, int number) { return std::async(std::launch::async, function, number); },
        [](auto&& future) { return future.get(); });
}

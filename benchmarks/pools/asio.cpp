// The jobs of threads.c on asio::thread_pool.
#include "threads.hpp"

#include <asio/post.hpp>
#include <asio/thread_pool.hpp>

#include <future>
#include <utility>

int main(int argc, char** argv) {
    const std::uint64_t count = number_argument(argc, argv, 2);
    asio::thread_pool pool(bench::workers_for(argv[1]));
    bench::run_threads(
        argv[1], count,
        [&](auto function, int number) {
            std::packaged_task<int()> task([function, number] { return function(number); });
            std::future<int> future = task.get_future();
            asio::post(pool, std::move(task));
            return future;
        },
        [](auto&& future) { return future.get(); });
    pool.join();
}

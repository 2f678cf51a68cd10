// A program whose main() does not begin with process_worker().
#include <ringio/process/process_pool_executor.hpp>

#include <cstdio>
#include <exception>

int main() {
    std::puts("main");
    try {
        ringio::concurrent::ProcessPoolExecutor pool(1);
        const int result = pool.submit([](int number) { return number; }, 1).result();
        std::printf("%d\n", result);
    } catch (const std::exception& error) {
        std::puts(error.what());
        return 1;
    }
}

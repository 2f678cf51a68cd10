// expect: ringio: map() gives each call an element of each range, as a value
#include <ringio/concurrent/thread_pool_executor.hpp>

#include <vector>

void number(ringio::concurrent::ThreadPoolExecutor& pool, const std::vector<int>& values) {
    pool.map([count = 0](int value) mutable { return value + count++; }, values);
}

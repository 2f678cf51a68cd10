// expect: ringio: map() gives each call an element of each range, as a value
#include <ringio/concurrent/thread_pool_executor.hpp>

#include <vector>

void increment(ringio::concurrent::ThreadPoolExecutor& pool, std::vector<int>& values) {
    pool.map([](int& value) { ++value; }, values);
}

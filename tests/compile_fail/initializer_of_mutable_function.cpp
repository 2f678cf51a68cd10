// expect: ringio: an initializer is called with its arguments, and by several threads
#include <ringio/concurrent/thread_pool_executor.hpp>

ringio::concurrent::ThreadPoolExecutor make_pool() {
    return ringio::concurrent::ThreadPoolExecutor(
        {.max_workers = 2, .initializer = [count = 0]() mutable { ++count; }});
}

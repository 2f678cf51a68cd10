// expect: ringio: options own nothing; name what the initializer is made of
#include <ringio/concurrent/thread_pool_executor.hpp>

#include <string>

ringio::concurrent::ThreadPoolOptions options_for(const std::string& host) {
    return {.max_workers = 2, .initializer = [host] { static_cast<void>(host); }};
}

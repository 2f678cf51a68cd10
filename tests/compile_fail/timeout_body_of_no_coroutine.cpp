// expect: ringio: the body of timeout() is a coroutine function
#include <ringio/tasks/timeout.hpp>

#include <chrono>

ringio::Task<> main_task() {
    auto body = [] { return 5; };
    co_await ringio::timeout(std::chrono::seconds(1), body);
}

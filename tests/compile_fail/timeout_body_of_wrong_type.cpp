// expect: ringio: the body of timeout() takes a Timeout& or nothing
#include <ringio/tasks/timeout.hpp>

#include <chrono>

ringio::Task<> main_task() {
    auto body = [](int) -> ringio::Task<> { co_return; };
    co_await ringio::timeout(std::chrono::seconds(1), body);
}

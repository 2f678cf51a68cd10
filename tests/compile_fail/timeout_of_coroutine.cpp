// expect: ringio: the body of timeout() takes a Timeout& or nothing
#include <ringio/tasks/timeout.hpp>

#include <chrono>

ringio::Task<> work();

ringio::Task<> main_task() { co_await ringio::timeout(std::chrono::seconds(1), work()); }

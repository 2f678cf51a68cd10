// expect: ringio: wait_for() takes an awaitable
#include <ringio/tasks/wait_for.hpp>

#include <chrono>

ringio::Task<> main_task() { co_await ringio::wait_for(5, std::chrono::seconds(1)); }

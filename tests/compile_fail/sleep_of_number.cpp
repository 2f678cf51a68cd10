// expect: ringio: a length of time is a std::chrono duration
#include <ringio/core/task.hpp>
#include <ringio/tasks/sleep.hpp>

ringio::Task<> main_task() { co_await ringio::sleep(1); }

// expect: ringio: a time limit is a std::chrono duration
#include <ringio/tasks/wait_for.hpp>

ringio::Task<> work();

ringio::Task<> main_task() { co_await ringio::wait_for(work(), 5); }

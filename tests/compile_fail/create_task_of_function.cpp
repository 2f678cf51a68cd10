// expect: ringio: create_task() takes a coroutine or another awaitable
#include <ringio/tasks/create_task.hpp>

ringio::Task<> work();

void start() { ringio::create_task(work); }

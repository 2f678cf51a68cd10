// expect: ringio: create_task() takes a coroutine or another awaitable
#include <ringio/tasks/create_task.hpp>

void start() { ringio::create_task(5); }

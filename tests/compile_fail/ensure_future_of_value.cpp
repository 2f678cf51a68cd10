// expect: ringio: ensure_future() takes an awaitable
#include <ringio/tasks/create_task.hpp>

void start() { ringio::ensure_future(5); }

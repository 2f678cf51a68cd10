// expect: ringio: create_task() takes a coroutine; a future or task runs already
#include <ringio/tasks/create_task.hpp>

void start(ringio::Future<int> future) { ringio::create_task(future); }

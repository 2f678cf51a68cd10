// expect: ringio: create_task() takes a coroutine; a future or task runs already
#include <ringio/tasks/task_group.hpp>

void start(ringio::TaskGroup& group, ringio::Future<int> future) { group.create_task(future); }

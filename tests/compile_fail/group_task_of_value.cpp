// expect: ringio: create_task() takes a coroutine or another awaitable
#include <ringio/tasks/task_group.hpp>

void start(ringio::TaskGroup& group) { group.create_task(5); }

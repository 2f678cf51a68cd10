// expect: ringio: TaskGroup::start() takes a coroutine function with a TaskStatus
#include <ringio/tasks/task_group.hpp>

ringio::Task<> serve() { co_return; }

ringio::Task<> main_task(ringio::TaskGroup& group) { co_await group.start(serve); }

// expect: ringio: the body of task_group() is a coroutine function
#include <ringio/tasks/task_group.hpp>

ringio::Task<> main_task() {
    auto body = [](ringio::TaskGroup&) {};
    co_await ringio::task_group(body);
}

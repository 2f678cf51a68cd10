// expect: ringio: the body of task_group() takes a TaskGroup&
#include <ringio/tasks/task_group.hpp>

ringio::Task<> main_task() {
    auto body = []() -> ringio::Task<> { co_return; };
    co_await ringio::task_group(body);
}

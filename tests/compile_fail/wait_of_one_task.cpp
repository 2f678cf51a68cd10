// expect: ringio: wait() takes a range of TaskHandle, Future or AnyFuture
#include <ringio/tasks/wait.hpp>

ringio::Task<> main_task(ringio::TaskHandle<int> task) { co_await ringio::wait(task); }

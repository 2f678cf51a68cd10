// expect: ringio: wait() takes a range of TaskHandle, Future or AnyFuture
#include <ringio/tasks/wait.hpp>

#include <vector>

ringio::Task<> main_task(std::vector<int>& numbers) { co_await ringio::wait(numbers); }

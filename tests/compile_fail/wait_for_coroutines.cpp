// expect: ringio: passing coroutines to wait() is forbidden, use create_task() explicitly
#include <ringio/tasks/wait.hpp>

#include <vector>

ringio::Task<> wait_for_them(std::vector<ringio::Task<int>>& coroutines) {
    co_await ringio::wait(coroutines);
}

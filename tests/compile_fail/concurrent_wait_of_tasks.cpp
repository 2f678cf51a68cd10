// expect: ringio: concurrent::wait() takes a range of concurrent::Future of one type
#include <ringio/concurrent/wait.hpp>
#include <ringio/core/task.hpp>

#include <vector>

void wait_for(const std::vector<ringio::TaskHandle<int>>& tasks) {
    ringio::concurrent::wait(tasks);
}

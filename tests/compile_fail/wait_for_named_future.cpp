// expect: ringio: the result of this future cannot be copied
#include <ringio/tasks/wait_for.hpp>

#include <memory>

void start(ringio::Future<std::unique_ptr<int>>& future) {
    auto waiting = ringio::wait_for(future, std::chrono::seconds(1));
}

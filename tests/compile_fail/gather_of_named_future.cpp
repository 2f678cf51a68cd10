// expect: ringio: the result of this future cannot be copied
#include <ringio/tasks/gather.hpp>

#include <memory>

void start(ringio::TaskHandle<std::unique_ptr<int>>& task) {
    auto both = ringio::gather(task, task);
}

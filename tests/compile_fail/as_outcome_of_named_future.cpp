// expect: ringio: the result of this future cannot be copied
#include <ringio/tasks/as_outcome.hpp>

#include <memory>

void start(ringio::TaskHandle<std::unique_ptr<int>>& task) {
    auto outcome = ringio::as_outcome(task);
}

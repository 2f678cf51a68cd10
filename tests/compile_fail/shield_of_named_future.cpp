// expect: ringio: the result of this future cannot be copied
#include <ringio/tasks/shield.hpp>

#include <memory>

void start(const ringio::TaskHandle<std::unique_ptr<int>>& task) {
    auto shielded = ringio::shield(task);
}

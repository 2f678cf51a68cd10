// expect: ringio: the result of this future cannot be copied
#include <ringio/tasks/gather.hpp>

#include <memory>
#include <vector>

void start(std::vector<ringio::Future<std::unique_ptr<int>>>& futures) {
    auto all = ringio::gather(futures);
}

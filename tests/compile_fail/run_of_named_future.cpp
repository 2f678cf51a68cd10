// expect: ringio: the result of this future cannot be copied
#include <ringio/tasks/runner.hpp>

#include <memory>

void start(ringio::Runner& runner, ringio::Future<std::unique_ptr<int>>& future) {
    auto result = runner.run(future);
}

// expect: ringio: the result of a handle that has a name is copied, and this result cannot be
#include <ringio/tasks/when_all.hpp>

#include <memory>
#include <vector>

ringio::Task<> main_task(std::vector<ringio::TaskHandle<std::unique_ptr<int>>> named) {
    co_await ringio::when_all(named);
}

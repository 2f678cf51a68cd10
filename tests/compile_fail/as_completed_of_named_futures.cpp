// expect: ringio: the results of these futures cannot be copied
#include <ringio/tasks/as_completed.hpp>

#include <memory>
#include <vector>

ringio::Task<> start(std::vector<ringio::TaskHandle<std::unique_ptr<int>>>& tasks) {
    for (auto& next : ringio::as_completed(tasks)) {
        auto result = co_await next;
    }
}

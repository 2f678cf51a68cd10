// expect: nodiscard
#include <ringio/tasks/when_all.hpp>

#pragma GCC diagnostic error "-Wunused-result"
#pragma GCC diagnostic error "-Wunused-value"

ringio::Task<int> work();

ringio::Task<> main_task() {
    ringio::when_all(work(), work());
    co_return;
}

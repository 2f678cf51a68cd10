// expect: ringio: gather() takes awaitables
#include <ringio/tasks/gather.hpp>

ringio::Task<int> work();

ringio::Task<> main_task() { co_await ringio::gather(work(), 5); }

// expect: ringio: when_all() and when_any() take awaitables
#include <ringio/tasks/when_all.hpp>

ringio::Task<int> work();

ringio::Task<> main_task() { co_await ringio::when_all(work(), 5); }

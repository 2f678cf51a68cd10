// expect: ringio: a coroutine runs once, and when_all() and when_any() take it
#include <ringio/tasks/when_all.hpp>

ringio::Task<int> work();

ringio::Task<> main_task() {
    ringio::Task<int> named = work();
    co_await ringio::when_all(named, work());
}

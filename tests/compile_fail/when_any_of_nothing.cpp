// expect: ringio: when_any() of nothing would never end
#include <ringio/tasks/when_any.hpp>

ringio::Task<> main_task() { co_await ringio::when_any(); }

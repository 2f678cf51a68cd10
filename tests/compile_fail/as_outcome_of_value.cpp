// expect: ringio: as_outcome() takes an awaitable
#include <ringio/core/task.hpp>
#include <ringio/tasks/as_outcome.hpp>

ringio::Task<> main_task() { co_await ringio::as_outcome(5); }

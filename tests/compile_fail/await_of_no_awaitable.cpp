// expect: ringio: this type cannot stand behind co_await
#include <ringio/core/task.hpp>

ringio::Task<> main_task() { co_await 5; }

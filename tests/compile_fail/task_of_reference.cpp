// expect: ringio: a Task cannot return a reference
#include <ringio/core/task.hpp>

int global = 0;

ringio::Task<int&> reference() { co_return global; }

// expect: ringio: an AsyncGenerator yields values
#include <ringio/tasks/async_generator.hpp>

int global = 0;

ringio::AsyncGenerator<int&> references() { co_yield global; }

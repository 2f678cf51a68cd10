// expect: ringio: this AsyncGenerator cannot yield an operand of this type
#include <ringio/tasks/async_generator.hpp>

ringio::AsyncGenerator<int> numbers() { co_yield "one"; }

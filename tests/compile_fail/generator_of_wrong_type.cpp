// expect: ringio: this Generator cannot yield an operand of this type
#include <ringio/tasks/generator.hpp>

ringio::Generator<int&> references() { co_yield 1; }

// expect: ringio: a ContextVar cannot hold a reference
#include <ringio/core/context.hpp>

ringio::ContextVar<int&> variable("variable");

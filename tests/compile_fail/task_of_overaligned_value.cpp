// expect: ringio: coroutine frames do not honour a larger alignment
#include <ringio/core/task.hpp>

struct alignas(64) Wide {};

ringio::Task<Wide> wide() { co_return Wide(); }

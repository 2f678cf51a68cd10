// expect: ringio: a future or task cannot hold a reference
#include <ringio/core/future.hpp>

bool is_done(const ringio::Future<int&>& future) { return future.done(); }

// expect: ringio: a future or task cannot hold a reference
#include <ringio/core/promise.hpp>

void make(ringio::EventLoop& loop) { loop.create_future<int&>(); }

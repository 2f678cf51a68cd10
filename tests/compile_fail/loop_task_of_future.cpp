// expect: ringio: create_task() takes a coroutine, or another awaitable that has not begun
#include <ringio/core/run_until_complete.hpp>

void start(ringio::EventLoop& loop, ringio::Future<int> future) { loop.create_task(future); }

// expect: ringio: a coroutine is no signal handler
#include <ringio/core/event_loop.hpp>
#include <ringio/core/task.hpp>

ringio::Task<> handle();

void start(ringio::EventLoop& loop) { loop.add_signal_handler(15, handle); }

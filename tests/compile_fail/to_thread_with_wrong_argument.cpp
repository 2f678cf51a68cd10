// expect: ringio: to_thread() takes a callable and the arguments that it is called with
#include <ringio/tasks/to_thread.hpp>

int half(int number);

ringio::Task<> main_task() { co_await ringio::to_thread(half, "text"); }

// expect: for a coroutine that is called already there is wait_for()
#include <ringio/tasks/timeout.hpp>

#include <chrono>

ringio::Task<> work();

ringio::Task<> main_task() { co_await ringio::timeout(std::chrono::seconds(1), work()); }

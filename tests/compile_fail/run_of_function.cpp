// expect: ringio: run() takes a coroutine or another awaitable
#include <ringio/tasks/run.hpp>

ringio::Task<> main_coroutine() { co_return; }

int main() { ringio::run(main_coroutine); }

// expect: ringio: run() takes a coroutine or another awaitable
#include <ringio/tasks/run.hpp>

int main() { ringio::run(5); }

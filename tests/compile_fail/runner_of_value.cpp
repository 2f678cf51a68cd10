// expect: ringio: Runner::run() takes a coroutine or another awaitable
#include <ringio/tasks/runner.hpp>

void start(ringio::Runner& runner) { runner.run(5); }

// expect: ringio: shield() takes an awaitable
#include <ringio/tasks/shield.hpp>

void start() { ringio::shield(5); }

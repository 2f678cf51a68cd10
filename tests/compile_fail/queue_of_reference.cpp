// expect: ringio: a queue cannot hold references
#include <ringio/sync/queue.hpp>

void use(ringio::Queue<int&>& queue) { queue.empty(); }

// expect: the function cannot be called with these arguments
#include <ringio.hpp>

int work(int number);

void call(ringio::concurrent::ProcessPoolExecutor& pool) { pool.submit(work, "one"); }

// expect: a pointer, an iterator or a reference means nothing in another process
#include <ringio.hpp>

const char* name_of(int number);

void call(ringio::concurrent::ProcessPoolExecutor& pool) { pool.submit(name_of, 1); }

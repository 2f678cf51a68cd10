// expect: a pointer, an iterator or a reference means nothing in another process
#include <ringio.hpp>

int size_of(const char* text);

void call(ringio::concurrent::ProcessPoolExecutor& pool) { pool.submit(size_of, "text"); }

// expect: a view refers to memory of this process
#include <ringio.hpp>

#include <string_view>

int size_of(std::string_view text);

void call(ringio::concurrent::ProcessPoolExecutor& pool) { pool.submit(size_of, "text"); }

// expect: a view refers to memory of this process
#include <ringio.hpp>

#include <span>
#include <vector>

int sum(std::span<const int> numbers);

void call(ringio::concurrent::ProcessPoolExecutor& pool) { pool.submit(sum, std::vector{1, 2, 3}); }

// expect: ringio: gather() takes awaitables
#include <ringio/tasks/gather.hpp>

#include <vector>

void start(std::vector<int>& numbers) { ringio::gather(numbers); }

// expect: ringio: as_completed() takes a range of awaitables
#include <ringio/tasks/as_completed.hpp>

#include <vector>

void start(std::vector<int>& numbers) { ringio::as_completed(numbers); }

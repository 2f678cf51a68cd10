// expect: ringio: progress() takes a range of awaitables
#include <ringio/tasks/progress.hpp>

#include <vector>

void start(std::vector<int>& numbers) { ringio::progress(numbers); }

// expect: ringio: the future's value cannot be made of these arguments
#include <ringio/core/promise.hpp>

void set(ringio::Promise<int>& promise) { promise.set_result("text"); }

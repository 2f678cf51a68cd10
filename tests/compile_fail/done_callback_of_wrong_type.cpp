// expect: ringio: a done callback takes the future, or nothing
#include <ringio/core/future.hpp>

void add(ringio::Future<int>& future) {
    future.add_done_callback([](const char*) {});
}

// expect: a lambda that captures, or a callable with members, cannot be sent
#include <ringio.hpp>

void call(ringio::concurrent::ProcessPoolExecutor& pool, int local) {
    pool.submit([](auto function) { return function(); }, [local] { return local; });
}

// expect: another process can call a function, or a lambda without captures
#include <ringio.hpp>

void call(ringio::concurrent::ProcessPoolExecutor& pool, int local) {
    pool.submit([local] { return local; });
}

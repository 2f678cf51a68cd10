// expect: a worker process cannot change an object of the caller
#include <ringio.hpp>

void change(int& number);

void call(ringio::concurrent::ProcessPoolExecutor& pool, int& number) {
    pool.submit(change, number);
}

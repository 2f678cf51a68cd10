// expect: a pointer to a member cannot be called in another process
#include <ringio.hpp>

struct Job {
    int run();
};

void call(ringio::concurrent::ProcessPoolExecutor& pool) { pool.submit(&Job::run, Job()); }

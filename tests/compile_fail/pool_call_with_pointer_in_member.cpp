// expect: a pointer, an iterator or a reference means nothing in another process
#include <ringio.hpp>

struct Job {
    int number;
    const char* name;
};

int work(Job job);

void call(ringio::concurrent::ProcessPoolExecutor& pool) { pool.submit(work, Job{1, "a"}); }

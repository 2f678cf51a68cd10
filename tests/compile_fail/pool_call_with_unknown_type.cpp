// expect: the archive does not know the members of this type
#include <ringio.hpp>

#include <string>

class Job {
public:
    explicit Job(std::string name) : name_(std::move(name)) {}

private:
    std::string name_;
};

int work(const Job& job);

void call(ringio::concurrent::ProcessPoolExecutor& pool) { pool.submit(work, Job("a")); }

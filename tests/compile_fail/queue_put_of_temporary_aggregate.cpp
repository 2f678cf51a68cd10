// expect: ringio: g++ before 13 destroys this temporary twice; name it first and pass
#include <ringio/sync/queue.hpp>

#include <string>

#if !RINGIO_AWAIT_DESTROYS_TEMPORARIES_TWICE
// Other compilers get it right, and so it is allowed there.
#error ringio: g++ before 13 destroys this temporary twice; name it first and pass
#endif

struct Job {
    std::string name;
};

ringio::Task<> main_task(ringio::Queue<Job>& queue) { co_await queue.put(Job{"first"}); }

// expect: ringio: g++ before 13 destroys this temporary twice; name it first
#include <ringio/tasks/async_generator.hpp>

#include <string>

#if !RINGIO_AWAIT_DESTROYS_TEMPORARIES_TWICE
// Other compilers get it right, and so it is allowed there.
#error ringio: g++ before 13 destroys this temporary twice; name it first
#endif

struct Record {
    std::string name;
};

ringio::AsyncGenerator<Record> records() { co_yield Record{"first"}; }

// expect: ringio: g++ before 13 destroys this temporary closure twice; name it first
#include <ringio/sync/condition.hpp>

#include <memory>

#if !RINGIO_AWAIT_DESTROYS_TEMPORARIES_TWICE
// Other compilers get it right, and so it is allowed there.
#error ringio: g++ before 13 destroys this temporary closure twice; name it first
#endif

ringio::Task<> main_task(ringio::Condition& condition, std::shared_ptr<bool> ready) {
    co_await condition.wait_for([ready] { return *ready; });
}

// expect: ringio: g++ before 13 destroys this temporary twice; name it first and pass
#include <ringio/sync/queue.hpp>

#include <functional>
#include <string>

#if !RINGIO_AWAIT_DESTROYS_TEMPORARIES_TWICE
// Other compilers get it right, and so it is allowed there.
#error ringio: g++ before 13 destroys this temporary twice; name it first and pass
#endif

ringio::Task<> main_task(ringio::Queue<std::function<void()>>& queue, std::string name) {
    co_await queue.put([name] {});
}

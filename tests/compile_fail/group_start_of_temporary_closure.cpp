// expect: ringio: g++ before 13 destroys this temporary closure twice; name it first
#include <ringio/tasks/task_group.hpp>

#include <memory>

#if !RINGIO_AWAIT_DESTROYS_TEMPORARIES_TWICE
// Other compilers get it right, and so it is allowed there.
#error ringio: g++ before 13 destroys this temporary closure twice; name it first
#endif

ringio::Task<> main_task(ringio::TaskGroup& group, std::shared_ptr<int> number) {
    co_await group.start([number](ringio::TaskStatus<> status) -> ringio::Task<> {
        status.started();
        co_return;
    });
}

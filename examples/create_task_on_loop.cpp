// Two tasks on an event loop of one's own. Python: loop = asyncio.new_event_loop(),
// loop.create_task(...) twice, loop.run_until_complete(asyncio.wait([task1, task2])), loop.close().
#include <fmt/core.h>
#include <ringio.hpp>

ringio::Task<> my_task(std::string) { co_return; }

int main() {
    ringio::EventLoop loop;
    auto task1 = loop.create_task(my_task("first"));
    auto task2 = loop.create_task(my_task("second"));
    loop.run_until_complete(ringio::wait({task1, task2}));
    fmt::print("task1 result: {}\n", task1.exception() ? "an error" : "None");
    fmt::print("task2 result: {}\n", task2.exception() ? "an error" : "None");
    loop.close();
}

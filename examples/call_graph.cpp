// Who called this, and who waits for it: the call graph of a task, which goes on from each task to
// those that wait for it, up to main. Python: asyncio.print_call_graph(), since 3.14.
#include <fmt/core.h>
#include <ringio.hpp>

// [call_graph]
ringio::Task<> parse() { co_await ringio::debug::print_call_graph(); }

ringio::Task<> fetch() {
    co_await ringio::sleep(std::chrono::milliseconds(1));
    co_await parse();
}

ringio::Task<> report(ringio::TaskHandle<> task) { co_await task; }

ringio::Task<> main_coroutine() {
    auto task = ringio::create_task(fetch(), {.name = "fetch"});
    auto first = ringio::create_task(report(task), {.name = "report"});
    co_await ringio::gather(task, first);
}
// [/call_graph]

int main() { ringio::run(main_coroutine()); }

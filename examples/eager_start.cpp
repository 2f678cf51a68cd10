// A task that starts eagerly runs inside create_task() up to where it has to wait: what is in a
// cache is there without a trip through the loop. Python 3.12: asyncio.eager_task_factory.
#include <fmt/core.h>
#include <ringio.hpp>

#include <map>

using namespace std::chrono_literals;

std::map<std::string, std::string> cache = {{"Ada", "1815"}};

ringio::Task<std::string> year_of_birth(std::string who) {
    if (auto known = cache.find(who); known != cache.end()) {
        co_return known->second;
    }
    co_await ringio::sleep(10ms);  // asks a slow server
    co_return "1906";
}

ringio::Task<> main_coroutine() {
    // [eager_start]
    auto lazy = ringio::create_task(year_of_birth("Ada"));
    auto eager = ringio::create_task(year_of_birth("Ada"), {.eager_start = true});
    fmt::print("done at once: {} and {}\n", lazy.done(), eager.done());
    // [/eager_start]
    fmt::print("{} = {}\n", co_await lazy, co_await eager);

    // For each new task of this loop:
    ringio::get_running_loop().set_task_factory(ringio::eager_task_factory);
    auto known = ringio::create_task(year_of_birth("Ada"));
    auto unknown = ringio::create_task(year_of_birth("Grace"));
    fmt::print("done at once: {} and {}\n", known.done(), unknown.done());
    fmt::print("{}\n", co_await unknown);
}

int main() { ringio::run(main_coroutine()); }

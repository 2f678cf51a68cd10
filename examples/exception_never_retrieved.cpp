// A task fails and nobody asks how it ended: when the last handle is gone, the loop says so, with
// the place where the task was created. Python: "Task exception was never retrieved".
#include <fmt/core.h>
#include <ringio.hpp>

#include <stdexcept>

using namespace std::chrono_literals;

ringio::Task<int> parse(std::string text) {
    co_await ringio::sleep(1ms);
    if (text.find_first_not_of("0123456789") != std::string::npos) {
        throw std::invalid_argument("not a number: " + text);
    }
    co_return std::stoi(text);
}

ringio::Task<> main_coroutine() {
    ringio::create_task(parse("ten"), {.name = "parser"});
    co_await ringio::sleep(10ms);
    fmt::print("main goes on\n");
}

int main() { ringio::run(main_coroutine()); }

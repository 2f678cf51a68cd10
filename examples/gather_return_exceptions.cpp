// gather with return_exceptions: each result is an Outcome, the value or the exception.
// Python: responses = await asyncio.gather(*tasks, return_exceptions=True).
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<std::string> others() {
    fmt::print("start\n");
    co_await ringio::sleep(20ms);
    fmt::print("end\n");
    co_return "返回值";
}

ringio::Task<> func(int limit) {
    fmt::print("执行协程函数内部代码\n");
    std::vector<ringio::TaskHandle<std::string>> tasks;
    for (int i = 0; i < limit; ++i) {
        tasks.push_back(ringio::create_task(others()));
    }
    auto responses = co_await ringio::gather(ringio::return_exceptions, tasks);
    std::vector<std::string> texts;
    for (const auto& response : responses) {
        texts.push_back(response.value_or("an exception"));
    }
    fmt::print("IO 请求结束,结果为 {}\n", texts);
}

int main() { ringio::run(func(3)); }

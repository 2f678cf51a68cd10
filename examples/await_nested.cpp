// A coroutine awaits another one and takes its result. Python: response = await others().
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<std::string> others() {
    fmt::print("start\n");
    co_await ringio::sleep(20ms);
    fmt::print("end\n");
    co_return "返回值";
}

ringio::Task<> func() {
    fmt::print("执行协程函数内部代码\n");
    auto response = co_await others();
    fmt::print("IO 请求结束,结果为 {}\n", response);
}

int main() { ringio::run(func()); }

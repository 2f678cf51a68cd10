// Two awaits in sequence, as when the second needs what the first gave.
// Python: response1 = await others(), then response2 = await others().
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
    auto response1 = co_await others();
    fmt::print("IO 请求结束,结果为 {}\n", response1);
    auto response2 = co_await others();
    fmt::print("IO 请求结束,结果为 {}\n", response2);
}

int main() { ringio::run(func()); }

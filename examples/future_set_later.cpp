// A future that one coroutine sets and another awaits. In C++ the side that sets is the Promise.
// Python: fut = loop.create_future(), fut.set_result("12"), data = await fut.
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

ringio::Task<> set_after(ringio::Promise<std::string> promise) {
    co_await ringio::sleep(20ms);
    promise.set_result("12");
}

ringio::Task<> main_coroutine() {
    auto& loop = ringio::get_running_loop();
    // [future_set_later]
    auto promise = loop.create_future<std::string>();
    auto fut = promise.get_future();
    co_await loop.create_task(set_after(promise));
    auto data = co_await fut;
    // [/future_set_later]
    fmt::print("{}\n", data);
}

int main() { ringio::run(main_coroutine()); }

// asyncio.Semaphore: at most two requests at a time, and each keeps its permit for a second, so
// that no more than two begin in any second. Python: `async with semaphore`.
#include <fmt/core.h>
#include <ringio.hpp>
#include <ringio/testing.hpp>

using namespace std::chrono_literals;

ringio::Task<> request(int number) {
    const auto now = ringio::get_running_loop().time().time_since_epoch();
    fmt::print("{:4} ms: request {}\n", now / 1ms, number);
    co_await ringio::sleep(300ms);
}

// [limited]
ringio::Task<> limited_request(ringio::Semaphore& semaphore, int number) {
    const auto permit = co_await semaphore.scoped();
    co_await ringio::gather(request(number), ringio::sleep(1s));
}
// [/limited]

ringio::Task<> main_coroutine() {
    ringio::Semaphore semaphore(2);
    std::vector<ringio::Task<>> requests;
    for (int number = 1; number <= 5; ++number) {
        requests.push_back(limited_request(semaphore, number));
    }
    co_await ringio::gather(requests);
}

int main() { ringio::testing::run_virtual(main_coroutine()); }

// What try, finally and except* become where C++ allows no co_await: in a catch block and in a
// destructor.
#include <fmt/core.h>
#include <ringio.hpp>

#include <stdexcept>

using namespace std::chrono_literals;

ringio::Task<std::string> fetch(int attempt) {
    co_await ringio::sleep(1ms);
    if (attempt < 3) {
        throw std::runtime_error("it failed");
    }
    co_return "the page";
}

// [retry]
ringio::Task<std::string> fetch_patiently() {
    for (int attempt = 1;; ++attempt) {
        auto page = co_await ringio::as_outcome(fetch(attempt));  // no throw, no catch
        if (page.has_value()) {
            co_return page.value();
        }
        co_await ringio::sleep(10ms);
    }
}
// [/retry]

// [finally]
ringio::Task<> save_and_release() {
    std::exception_ptr error;
    try {
        co_await fetch(1);
    } catch (...) {  // CancelledError, too
        error = std::current_exception();
    }
    co_await ringio::sleep(1ms);  // what stands in Python's `finally:`
    fmt::print("released\n");
    if (error) {
        std::rethrow_exception(error);
    }
}
// [/finally]

ringio::Task<> main_coroutine() {
    fmt::print("{}\n", co_await fetch_patiently());
    // [except_star]
    try {
        co_await ringio::task_group([](ringio::TaskGroup& group) -> ringio::Task<> {
            group.create_task(save_and_release());
            co_return;
        });
    } catch (const ringio::ExceptionGroup& errors) {
        auto expected = errors.select<std::runtime_error>();  // except* RuntimeError as expected
        fmt::print("runtime errors: {}\n", expected.size());
        auto others = errors.without<std::runtime_error>();
        if (!others.empty()) {
            throw ringio::ExceptionGroup(errors.message(), others);
        }
    }
    // [/except_star]
}

int main() { ringio::run(main_coroutine()); }

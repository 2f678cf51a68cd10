// An asynchronous generator of primes, next to a task that looks for e-mail every two seconds. The
// sleep in is_prime lets the other one run. Python: `async for prime in prime_generator(n)`.
// It runs in virtual time, which jumps whenever all wait: it is over at once, always the same. As
// that clock does not count work, a division sleeps for 10 ms instead of Python's sleep(0).
#include <fmt/core.h>
#include <ringio.hpp>
#include <ringio/testing.hpp>

#include <random>
#include <vector>

using namespace std::chrono_literals;

ringio::Task<bool> is_prime(int n) {
    for (int i = 2; i < n; ++i) {
        co_await ringio::sleep(10ms);  // lets the event loop run another coroutine
        if (n % i == 0) {
            co_return false;
        }
    }
    co_return true;
}

// [async_generator]
ringio::AsyncGenerator<int> prime_generator(int n_prime) {
    int counter = 0;
    for (int n = 1; counter < n_prime; ++n) {
        const bool prime = co_await is_prime(n);
        if (prime) {
            co_yield n;
            ++counter;
        }
    }
}
// [/async_generator]

ringio::Task<> check_email(int limit) {
    std::minstd_rand random(4);
    for (int i = 0; i < limit; ++i) {
        fmt::print("{} new email\n", random() % 5 == 0 ? 1 : 0);
        co_await ringio::sleep(2s);
    }
}

ringio::Task<> print_prime(int n) {
    // [async_for]
    auto primes = prime_generator(n);
    for (;;) {
        const auto prime = co_await primes.next();
        if (!prime) {
            break;
        }
        fmt::print("new prime number found: {}\n", *prime);
    }
    // [/async_for]
}

ringio::Task<> main_coroutine() {
    std::vector tasks{ringio::create_task(print_prime(20)), ringio::create_task(check_email(5))};
    co_await ringio::wait(tasks);
}

int main() { ringio::testing::run_virtual(main_coroutine()); }

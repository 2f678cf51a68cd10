// The micro tests, written once against the names that ringio and the minimal loop share. A file
// that includes this has said `namespace lib = ...;` before. Each test does its work once, cold,
// and returns the CPU time it took in ns; run.py starts one process per test and takes medians.
#pragma once

#include <time.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <utility>
#include <vector>

namespace bench {

using namespace std::chrono_literals;

/// CPU time of this thread: what else runs on the machine does not count.
inline double cpu_ns() {
    timespec now;
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// The compiler must take it that the value is used.
template <class T>
void keep(const T& value) {
    asm volatile("" : : "r,m"(value) : "memory");
}

/// Spreads i over [0, range) so that neighbours land far apart; the same in every run.
inline std::int64_t scatter(std::size_t i, std::int64_t range) {
    return static_cast<std::int64_t>((i * 0x9E3779B97F4A7C15u) >> 33) % range;
}

[[gnu::noinline]] inline lib::Task<int> ready(int value) { co_return value; }

inline lib::Task<double> await_ready(std::size_t ops) {
    const double began = cpu_ns();
    for (std::size_t i = 0; i < ops; ++i) {
        keep(co_await ready(static_cast<int>(i)));
    }
    co_return cpu_ns() - began;
}

[[gnu::noinline]] inline lib::Task<std::size_t> depth(std::size_t levels) {
    if (levels == 0) {
        co_return 0;
    }
    const std::size_t below = co_await depth(levels - 1);
    co_return below + 1;
}

inline lib::Task<double> recursion(std::size_t ops) {
    const double began = cpu_ns();
    const std::size_t levels = co_await depth(ops);
    if (levels != ops) {
        std::abort();
    }
    co_return cpu_ns() - began;
}

inline lib::Task<double> spawn_join(std::size_t ops) {
    const double began = cpu_ns();
    for (std::size_t i = 0; i < ops; ++i) {
        keep(co_await lib::create_task(ready(static_cast<int>(i))));
    }
    co_return cpu_ns() - began;
}

/// All are alive before the first is joined.
inline lib::Task<double> spawn_join_all(std::size_t ops) {
    const double began = cpu_ns();
    std::vector<decltype(lib::create_task(ready(0)))> tasks;
    tasks.reserve(ops);
    for (std::size_t i = 0; i < ops; ++i) {
        tasks.push_back(lib::create_task(ready(static_cast<int>(i))));
    }
    for (auto& task : tasks) {
        keep(co_await task);
    }
    tasks.clear();
    co_return cpu_ns() - began;
}

[[gnu::noinline]] inline lib::Task<int> yield_once(int value) {
    co_await lib::sleep(0s);
    co_return value;
}

inline lib::Task<double> gather(std::size_t ops) {
    constexpr std::size_t children = 10'000;
    const double began = cpu_ns();
    for (std::size_t done = 0; done < ops; done += children) {
        std::vector<lib::Task<int>> tasks;
        tasks.reserve(children);
        for (std::size_t i = 0; i < children; ++i) {
            tasks.push_back(yield_once(static_cast<int>(i)));
        }
        const std::vector<int> results = co_await lib::gather(std::move(tasks));
        if (results.size() != children || results.back() != static_cast<int>(children) - 1) {
            std::abort();
        }
    }
    co_return cpu_ns() - began;
}

inline lib::Task<double> yield(std::size_t ops) {
    const double began = cpu_ns();
    for (std::size_t i = 0; i < ops; ++i) {
        co_await lib::sleep(0s);
    }
    co_return cpu_ns() - began;
}

using Ball = decltype(lib::get_running_loop().template create_future<int>());

/// Waits for the own future, makes a fresh one, fulfils the other's.
inline lib::Task<int> player(Ball& mine, Ball& other, std::size_t rounds) {
    for (std::size_t i = 0; i < rounds; ++i) {
        auto future = mine.get_future();
        const int value = co_await future;
        mine = lib::get_running_loop().template create_future<int>();
        other.set_result(value + 1);
    }
    co_return 0;
}

inline lib::Task<double> future_ping_pong(std::size_t ops) {
    const double began = cpu_ns();
    Ball first = lib::get_running_loop().template create_future<int>();
    Ball second = lib::get_running_loop().template create_future<int>();
    auto one = lib::create_task(player(first, second, ops / 2));
    auto two = lib::create_task(player(second, first, ops / 2));
    first.set_result(0);
    co_await one;
    co_await two;
    co_return cpu_ns() - began;
}

/// All are armed before the first is cancelled, with one delay, as connections' timeouts are.
inline lib::Task<double> timer_arm_cancel(std::size_t ops) {
    auto& loop = lib::get_running_loop();
    std::size_t fired = 0;
    const double began = cpu_ns();
    {
        std::vector<decltype(loop.call_later(1h, [&fired] { ++fired; }))> handles;
        handles.reserve(ops);
        for (std::size_t i = 0; i < ops; ++i) {
            handles.push_back(loop.call_later(1h, [&fired] { ++fired; }));
        }
        for (auto& handle : handles) {
            handle.cancel();
        }
    }
    const double elapsed = cpu_ns() - began;
    if (fired != 0) {
        std::abort();
    }
    co_return elapsed;
}

/// Deadlines within a millisecond: all are due by the time the last is armed.
inline lib::Task<double> timer_fire(std::size_t ops) {
    auto& loop = lib::get_running_loop();
    std::size_t missing = ops;
    const double began = cpu_ns();
    auto promise = loop.template create_future<int>();
    auto all_fired = promise.get_future();
    for (std::size_t i = 0; i < ops; ++i) {
        const auto delay = std::chrono::nanoseconds(scatter(i, 1'000'000));
        (void)loop.call_later(delay, [&missing, &promise] {
            if (--missing == 0) {
                promise.set_result(0);
            }
        });
    }
    co_await all_fired;
    co_return cpu_ns() - began;
}

struct Test {
    const char* name;
    lib::Task<double> (*body)(std::size_t);
    std::size_t ops;
};

inline constexpr Test tests[] = {
    {"await_ready", await_ready, 10'000'000},
    {"recursion", recursion, 1'000'000},
    {"spawn_join", spawn_join, 1'000'000},
    {"spawn_join_all", spawn_join_all, 1'000'000},
    {"gather", gather, 1'000'000},
    {"yield", yield, 10'000'000},
    {"future_ping_pong", future_ping_pong, 2'000'000},
    {"timer_arm_cancel", timer_arm_cancel, 1'000'000},
    {"timer_fire", timer_fire, 100'000},
};

/// `--only name` runs one test, `--quick` a hundredth of the work (at least one gather).
inline int main(int argc, char** argv) {
    const char* only = nullptr;
    std::size_t divisor = 1;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--quick") == 0) {
            divisor = 100;
        } else if (std::strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            only = argv[++i];
        } else {
            std::fprintf(stderr, "usage: %s [--only test] [--quick]\n", argv[0]);
            return 2;
        }
    }
    bool found = false;
    for (const Test& test : tests) {
        if (only != nullptr && std::strcmp(only, test.name) != 0) {
            continue;
        }
        found = true;
        const std::size_t ops = test.ops / divisor;
        const double ns = lib::run(test.body(ops)) / static_cast<double>(ops);
        std::printf("{\"test\": \"%s\", \"ns_per_op\": %.2f, \"ops\": %zu}\n", test.name, ns, ops);
        std::fflush(stdout);
    }
    return found ? 0 : 2;
}

}  // namespace bench

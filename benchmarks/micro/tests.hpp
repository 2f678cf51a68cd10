// The micro tests, written once against the names that ringio and the minimal loop share. A file
// that includes this has said `namespace lib = ...;` before, and in `bench` what differs:
//   cancellable(future)     to be awaited instead of the future where the task may be cancelled
//   posting_loop()          the running loop, which has call_soon_threadsafe()
//   run_posting(task)       run() on such a loop
// Each test does its work once and returns what it took: CPU time in ns unless it says otherwise.
#pragma once

#include "measure.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <thread>
#include <utility>
#include <vector>

namespace bench {

using namespace std::chrono_literals;

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
    const std::size_t children = std::min<std::size_t>(ops, 10'000);
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

/// As every program does that has a timeout somewhere.
inline lib::Task<double> yield_with_timer(std::size_t ops) {
    auto timer = lib::get_running_loop().call_later(1h, [] {});
    const double elapsed = co_await yield(ops);
    timer.cancel();
    co_return elapsed;
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

/// A channel of one item in each direction: who has received sends back.
template <class Line>
lib::Task<int> channel_player(Line& mine, Line& other, std::size_t rounds) {
    for (std::size_t i = 0; i < rounds; ++i) {
        keep(co_await mine.receive());
        co_await other.send(static_cast<int>(i));
    }
    co_return 0;
}

inline lib::Task<double> channel_ping_pong(std::size_t ops) {
    const double began = cpu_ns();
    lib::Channel<int> first(1);
    lib::Channel<int> second(1);
    auto one = lib::create_task(channel_player(first, second, ops / 2));
    auto two = lib::create_task(channel_player(second, first, ops / 2));
    co_await first.send(0);
    co_await one;
    co_await two;
    co_return cpu_ns() - began;
}

template <class Line>
lib::Task<int> queue_player(Line& mine, Line& other, std::size_t rounds) {
    for (std::size_t i = 0; i < rounds; ++i) {
        keep(co_await mine.get());
        co_await other.put(static_cast<int>(i));
    }
    co_return 0;
}

inline lib::Task<double> queue_ping_pong(std::size_t ops) {
    const double began = cpu_ns();
    lib::Queue<int> first(1);
    lib::Queue<int> second(1);
    auto one = lib::create_task(queue_player(first, second, ops / 2));
    auto two = lib::create_task(queue_player(second, first, ops / 2));
    co_await first.put(0);
    co_await one;
    co_await two;
    co_return cpu_ns() - began;
}

/// Takes the own permit, gives the other's back.
inline lib::Task<int> semaphore_player(lib::Semaphore& mine, lib::Semaphore& other,
                                       std::size_t rounds) {
    for (std::size_t i = 0; i < rounds; ++i) {
        co_await mine.acquire();
        other.release();
    }
    co_return 0;
}

inline lib::Task<double> semaphore_ping_pong(std::size_t ops) {
    const double began = cpu_ns();
    lib::Semaphore first(1);
    lib::Semaphore second(0);
    auto one = lib::create_task(semaphore_player(first, second, ops / 2));
    auto two = lib::create_task(semaphore_player(second, first, ops / 2));
    co_await one;
    co_await two;
    co_return cpu_ns() - began;
}

/// Waits for the own event, clears it, sets the other's.
inline lib::Task<int> event_player(lib::Event& mine, lib::Event& other, std::size_t rounds) {
    for (std::size_t i = 0; i < rounds; ++i) {
        co_await mine.wait();
        mine.clear();
        other.set();
    }
    co_return 0;
}

inline lib::Task<double> event_ping_pong(std::size_t ops) {
    const double began = cpu_ns();
    lib::Event first;
    lib::Event second;
    auto one = lib::create_task(event_player(first, second, ops / 2));
    auto two = lib::create_task(event_player(second, first, ops / 2));
    first.set();
    co_await one;
    co_await two;
    co_return cpu_ns() - began;
}

/// So many live at once: all are armed before the first is cancelled, with one delay, as the
/// timeouts of connections are.
template <std::size_t timers>
lib::Task<double> timer_cancel(std::size_t ops) {
    auto& loop = lib::get_running_loop();
    std::size_t fired = 0;
    const double began = cpu_ns();
    std::vector<decltype(loop.call_later(1h, [&fired] { ++fired; }))> handles;
    handles.reserve(std::min(ops, timers));
    for (std::size_t left = ops; left > 0; left -= handles.size(), handles.clear()) {
        for (std::size_t i = std::min(left, timers); i > 0; --i) {
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

/// So many live at once.
template <std::size_t timers>
lib::Task<double> timer_fire(std::size_t ops) {
    auto& loop = lib::get_running_loop();
    const double began = cpu_ns();
    std::size_t batch = 0;
    for (std::size_t left = ops; left > 0; left -= batch) {
        batch = std::min(left, timers);
        std::size_t missing = batch;
        Ball promise = loop.template create_future<int>();
        auto all_fired = promise.get_future();
        for (std::size_t i = 0; i < batch; ++i) {
            const auto delay = std::chrono::nanoseconds(scatter(i, fire_within(batch)));
            (void)loop.call_later(delay, [&missing, &promise] {
                if (--missing == 0) {
                    promise.set_result(0);
                }
            });
        }
        co_await all_fired;
    }
    co_return cpu_ns() - began;
}

/// Waits for what never comes.
inline lib::Task<int> victim() {
    Ball never = lib::get_running_loop().template create_future<int>();
    auto future = never.get_future();
    try {
        co_await cancellable(future);
    } catch (const lib::CancelledError&) {
        co_return 1;
    }
    co_return 0;
}

/// A task is spawned, begins to wait, is cancelled, catches that, and is joined.
inline lib::Task<double> cancel_catch(std::size_t ops) {
    const double began = cpu_ns();
    std::size_t caught = 0;
    for (std::size_t i = 0; i < ops; ++i) {
        auto task = lib::create_task(victim());
        co_await lib::sleep(0s);
        task.cancel();
        const int one = co_await task;
        caught += static_cast<std::size_t>(one);
    }
    const double elapsed = cpu_ns() - began;
    if (caught != ops) {
        std::abort();
    }
    co_return elapsed;
}

/// Wall time: a second thread posts as fast as it can, until the last call has run.
inline lib::Task<double> post_throughput(std::size_t ops) {
    auto& loop = posting_loop();
    std::size_t missing = ops;
    Ball promise = lib::get_running_loop().template create_future<int>();
    auto all_run = promise.get_future();
    const double began = wall_ns();
    std::thread poster([&loop, &missing, &promise, ops] {
        for (std::size_t i = 0; i < ops; ++i) {
            loop.call_soon_threadsafe([&missing, &promise] {
                if (--missing == 0) {
                    promise.set_result(0);
                }
            });
        }
    });
    co_await all_run;
    const double elapsed = wall_ns() - began;
    poster.join();
    co_return elapsed;
}

/// Wall time from a post to the begin of its call, with the loop asleep in the kernel: the median,
/// as if each had taken that.
inline lib::Task<double> post_latency(std::size_t ops) {
    auto& loop = posting_loop();
    std::vector<double> samples;
    samples.reserve(ops);
    Ball promise = lib::get_running_loop().template create_future<int>();
    auto all_run = promise.get_future();
    std::thread poster([&loop, &samples, &promise, ops] {
        std::atomic<bool> ran = false;
        for (std::size_t i = 0; i < ops; ++i) {
            for (const double asleep = wall_ns() + 30'000; wall_ns() < asleep;) {
            }
            const double posted = wall_ns();
            loop.call_soon_threadsafe([&samples, &ran, posted] {
                samples.push_back(wall_ns() - posted);
                ran.store(true, std::memory_order_release);
            });
            while (!ran.exchange(false, std::memory_order_acquire)) {
            }
        }
        loop.call_soon_threadsafe([&promise] { promise.set_result(0); });
    });
    co_await all_run;
    poster.join();
    const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
    std::nth_element(samples.begin(), middle, samples.end());
    co_return *middle* static_cast<double>(ops);
}

inline lib::Task<> sleeper() { co_await lib::sleep(1h); }

/// Bytes of memory in use: nobody keeps a handle.
inline lib::Task<double> bytes_per_task(std::size_t ops) {
    const double before = resident_bytes();
    for (std::size_t i = 0; i < ops; ++i) {
        (void)lib::create_task(sleeper());
    }
    co_await lib::sleep(0s);
    co_return resident_bytes() - before;
}

template <lib::Task<double> (*body)(std::size_t)>
double on_loop(std::size_t ops) {
    return lib::run(body(ops));
}

template <lib::Task<double> (*body)(std::size_t)>
double on_posting_loop(std::size_t ops) {
    return run_posting(body(ops));
}

inline constexpr Test tests[] = {
    {"await_ready", on_loop<await_ready>, 10'000'000},
    {"recursion", on_loop<recursion>, 1'000'000},
    {"spawn_join", on_loop<spawn_join>, 1'000'000},
    {"spawn_join_all", on_loop<spawn_join_all>, 1'000'000},
    {"gather", on_loop<gather>, 1'000'000},
    {"yield", on_loop<yield>, 10'000'000},
    {"yield_with_timer", on_loop<yield_with_timer>, 10'000'000},
    {"future_ping_pong", on_loop<future_ping_pong>, 2'000'000},
    {"channel_ping_pong", on_loop<channel_ping_pong>, 2'000'000},
    {"queue_ping_pong", on_loop<queue_ping_pong>, 2'000'000},
    {"semaphore_ping_pong", on_loop<semaphore_ping_pong>, 2'000'000},
    {"event_ping_pong", on_loop<event_ping_pong>, 2'000'000},
    {"timer_fire_1k", on_loop<timer_fire<1'000>>, 500'000},
    {"timer_fire_10k", on_loop<timer_fire<10'000>>, 500'000},
    {"timer_fire_100k", on_loop<timer_fire<100'000>>, 500'000},
    {"timer_fire_1m", on_loop<timer_fire<1'000'000>>, 1'000'000},
    {"timer_cancel_1k", on_loop<timer_cancel<1'000>>, 1'000'000},
    {"timer_cancel_10k", on_loop<timer_cancel<10'000>>, 1'000'000},
    {"timer_cancel_100k", on_loop<timer_cancel<100'000>>, 1'000'000},
    {"timer_cancel_1m", on_loop<timer_cancel<1'000'000>>, 1'000'000},
    {"cancel_catch", on_loop<cancel_catch>, 100'000},
    {"post_throughput", on_posting_loop<post_throughput>, 1'000'000},
    {"post_latency", on_posting_loop<post_latency>, 3'000},
    {"bytes_per_task", on_loop<bytes_per_task>, 100'000, true},
};

}  // namespace bench

// The micro tests on Asio: C++20 coroutines on one io_context for one thread. What Asio has no word
// for is done as its users do it: a timer that never expires and is cancelled is a future, a
// completion handler that counts joins many.
#include "../../measure.hpp"

#include <algorithm>
#include <asio.hpp>
#include <asio/experimental/channel.hpp>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bench::cpu_ns;
using bench::keep;
using bench::wall_ns;

using Executor = asio::io_context::executor_type;
// Without the type-erased executor of the defaults, which costs more.
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;
template <class T>
using Awaitable = asio::awaitable<T, Executor>;
constexpr asio::use_awaitable_t<Executor> awaited;
using Channel = asio::experimental::basic_channel<Executor, asio::experimental::channel_traits<>,
                                                  void(asio::error_code, int)>;

asio::io_context* context = nullptr;

Executor executor() { return context->get_executor(); }

[[gnu::noinline]] Awaitable<int> ready(int value) { co_return value; }

Awaitable<double> await_ready(std::size_t ops) {
    const double began = cpu_ns();
    for (std::size_t i = 0; i < ops; ++i) {
        keep(co_await ready(static_cast<int>(i)));
    }
    co_return cpu_ns() - began;
}

[[gnu::noinline]] Awaitable<std::size_t> depth(std::size_t levels) {
    if (levels == 0) {
        co_return 0;
    }
    const std::size_t below = co_await depth(levels - 1);
    co_return below + 1;
}

Awaitable<double> recursion(std::size_t ops) {
    const double began = cpu_ns();
    const std::size_t levels = co_await depth(ops);
    if (levels != ops) {
        std::abort();
    }
    co_return cpu_ns() - began;
}

Awaitable<double> spawn_join(std::size_t ops) {
    const double began = cpu_ns();
    for (std::size_t i = 0; i < ops; ++i) {
        keep(co_await asio::co_spawn(executor(), ready(static_cast<int>(i)), awaited));
    }
    co_return cpu_ns() - began;
}

/// Spawns many and counts them as they end.
class Join {
public:
    explicit Join(std::size_t count)
        : done_(executor(), Timer::time_point::max()), missing_(count) {
        results.resize(count);
    }

    void spawn(std::size_t i, Awaitable<int> child) {
        asio::co_spawn(executor(), std::move(child), [this, i](std::exception_ptr, int result) {
            results[i] = result;
            if (--missing_ == 0) {
                done_.cancel();
            }
        });
    }
    Awaitable<void> wait() {
        asio::error_code ignored;
        co_await done_.async_wait(asio::redirect_error(awaited, ignored));
    }

    std::vector<int> results;

private:
    Timer done_;
    std::size_t missing_;
};

Awaitable<double> spawn_join_all(std::size_t ops) {
    const double began = cpu_ns();
    Join join(ops);
    for (std::size_t i = 0; i < ops; ++i) {
        join.spawn(i, ready(static_cast<int>(i)));
    }
    co_await join.wait();
    co_return cpu_ns() - began;
}

[[gnu::noinline]] Awaitable<int> yield_once(int value) {
    co_await asio::post(executor(), awaited);
    co_return value;
}

Awaitable<double> gather(std::size_t ops) {
    const std::size_t children = std::min<std::size_t>(ops, 10'000);
    const double began = cpu_ns();
    for (std::size_t done = 0; done < ops; done += children) {
        Join join(children);
        for (std::size_t i = 0; i < children; ++i) {
            join.spawn(i, yield_once(static_cast<int>(i)));
        }
        co_await join.wait();
        if (join.results.back() != static_cast<int>(children) - 1) {
            std::abort();
        }
    }
    co_return cpu_ns() - began;
}

Awaitable<double> yield(std::size_t ops) {
    const double began = cpu_ns();
    for (std::size_t i = 0; i < ops; ++i) {
        co_await asio::post(executor(), awaited);
    }
    co_return cpu_ns() - began;
}

/// A value that is set once; made afresh by its one reader.
class Event {
public:
    Event() : timer_(executor(), Timer::time_point::max()) {}

    void set(int value) {
        value_ = value;
        timer_.cancel();
    }
    Awaitable<int> take() {
        if (!value_) {
            asio::error_code ignored;
            co_await timer_.async_wait(asio::redirect_error(awaited, ignored));
        }
        co_return *std::exchange(value_, std::nullopt);
    }

private:
    Timer timer_;
    std::optional<int> value_;
};

Awaitable<int> event_player(Event& mine, Event& other, std::size_t rounds) {
    for (std::size_t i = 0; i < rounds; ++i) {
        const int value = co_await mine.take();
        other.set(value + 1);
    }
    co_return 0;
}

Awaitable<double> future_ping_pong(std::size_t ops) {
    const double began = cpu_ns();
    Event first;
    Event second;
    Join join(2);
    join.spawn(0, event_player(first, second, ops / 2));
    join.spawn(1, event_player(second, first, ops / 2));
    first.set(0);
    co_await join.wait();
    co_return cpu_ns() - began;
}

Awaitable<int> channel_player(Channel& mine, Channel& other, std::size_t rounds) {
    for (std::size_t i = 0; i < rounds; ++i) {
        keep(co_await mine.async_receive(awaited));
        co_await other.async_send(asio::error_code(), static_cast<int>(i), awaited);
    }
    co_return 0;
}

Awaitable<double> channel_ping_pong(std::size_t ops) {
    const double began = cpu_ns();
    Channel first(executor(), 1);
    Channel second(executor(), 1);
    Join join(2);
    join.spawn(0, channel_player(first, second, ops / 2));
    join.spawn(1, channel_player(second, first, ops / 2));
    co_await first.async_send(asio::error_code(), 0, awaited);
    co_await join.wait();
    co_return cpu_ns() - began;
}

template <std::size_t timers>
Awaitable<double> timer_cancel(std::size_t ops) {
    std::size_t fired = 0;
    const double began = cpu_ns();
    std::vector<Timer> armed;
    armed.reserve(std::min(ops, timers));
    for (std::size_t left = ops; left > 0; left -= armed.size(), armed.clear()) {
        for (std::size_t i = std::min(left, timers); i > 0; --i) {
            armed.emplace_back(executor(), 1h).async_wait([&fired](const asio::error_code& error) {
                fired += !error;
            });
        }
        for (Timer& timer : armed) {
            timer.cancel();
        }
        co_await asio::post(executor(), awaited);  // the handlers are told
    }
    const double elapsed = cpu_ns() - began;
    if (fired != 0) {
        std::abort();
    }
    co_return elapsed;
}

template <std::size_t timers>
Awaitable<double> timer_fire(std::size_t ops) {
    const double began = cpu_ns();
    std::vector<Timer> armed;
    armed.reserve(std::min(ops, timers));
    for (std::size_t left = ops; left > 0; left -= armed.size(), armed.clear()) {
        const std::size_t batch = std::min(left, timers);
        std::size_t missing = batch;
        Event all_fired;
        for (std::size_t i = 0; i < batch; ++i) {
            const auto delay =
                std::chrono::nanoseconds(bench::scatter(i, bench::fire_within(batch)));
            armed.emplace_back(executor(), delay).async_wait([&](const asio::error_code&) {
                if (--missing == 0) {
                    all_fired.set(0);
                }
            });
        }
        co_await all_fired.take();
    }
    co_return cpu_ns() - began;
}

Awaitable<int> victim() {
    Timer never(executor(), Timer::time_point::max());
    try {
        co_await never.async_wait(awaited);
    } catch (const asio::system_error& error) {
        co_return error.code() == asio::error::operation_aborted;
    }
    co_return 0;
}

Awaitable<double> cancel_catch(std::size_t ops) {
    const double began = cpu_ns();
    std::size_t caught = 0;
    for (std::size_t i = 0; i < ops; ++i) {
        asio::cancellation_signal signal;
        Event joined;
        asio::co_spawn(
            executor(), victim(),
            asio::bind_cancellation_slot(
                signal.slot(), [&joined](std::exception_ptr, int result) { joined.set(result); }));
        co_await asio::post(executor(), awaited);
        signal.emit(asio::cancellation_type::terminal);
        const int one = co_await joined.take();
        caught += static_cast<std::size_t>(one);
    }
    const double elapsed = cpu_ns() - began;
    if (caught != ops) {
        std::abort();
    }
    co_return elapsed;
}

Awaitable<double> post_throughput(std::size_t ops) {
    std::size_t missing = ops;
    Event all_run;
    const double began = wall_ns();
    std::thread poster([&] {
        for (std::size_t i = 0; i < ops; ++i) {
            asio::post(executor(), [&] {
                if (--missing == 0) {
                    all_run.set(0);
                }
            });
        }
    });
    co_await all_run.take();
    const double elapsed = wall_ns() - began;
    poster.join();
    co_return elapsed;
}

Awaitable<double> post_latency(std::size_t ops) {
    std::vector<double> samples;
    samples.reserve(ops);
    Event all_run;
    std::thread poster([&] {
        std::atomic<bool> ran = false;
        for (std::size_t i = 0; i < ops; ++i) {
            for (const double asleep = wall_ns() + 30'000; wall_ns() < asleep;) {
            }
            const double posted = wall_ns();
            asio::post(executor(), [&samples, &ran, posted] {
                samples.push_back(wall_ns() - posted);
                ran.store(true, std::memory_order_release);
            });
            while (!ran.exchange(false, std::memory_order_acquire)) {
            }
        }
        asio::post(executor(), [&all_run] { all_run.set(0); });
    });
    co_await all_run.take();
    poster.join();
    const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
    std::nth_element(samples.begin(), middle, samples.end());
    co_return *middle* static_cast<double>(ops);
}

Awaitable<void> sleeper() { co_await Timer(executor(), 1h).async_wait(awaited); }

Awaitable<double> bytes_per_task(std::size_t ops) {
    const double before = bench::resident_bytes();
    for (std::size_t i = 0; i < ops; ++i) {
        asio::co_spawn(executor(), sleeper(), asio::detached);
    }
    co_await asio::post(executor(), awaited);
    co_return bench::resident_bytes() - before;
}

template <Awaitable<double> (*body)(std::size_t)>
double on_context(std::size_t ops) {
    asio::io_context own(1);
    context = &own;
    double cost = 0;
    asio::co_spawn(own, body(ops), [&own, &cost](std::exception_ptr error, double result) {
        if (error) {
            std::rethrow_exception(error);
        }
        cost = result;
        own.stop();  // whoever still sleeps
    });
    own.run();
    return cost;
}

constexpr bench::Test tests[] = {
    {"await_ready", on_context<await_ready>, 5'000'000},
    {"recursion", on_context<recursion>, 1'000'000},
    {"spawn_join", on_context<spawn_join>, 500'000},
    {"spawn_join_all", on_context<spawn_join_all>, 1'000'000},
    {"gather", on_context<gather>, 300'000},
    {"yield", on_context<yield>, 2'000'000},
    {"future_ping_pong", on_context<future_ping_pong>, 500'000},
    {"channel_ping_pong", on_context<channel_ping_pong>, 500'000},
    {"timer_fire_1k", on_context<timer_fire<1'000>>, 300'000},
    {"timer_fire_10k", on_context<timer_fire<10'000>>, 300'000},
    {"timer_fire_100k", on_context<timer_fire<100'000>>, 300'000},
    {"timer_fire_1m", on_context<timer_fire<1'000'000>>, 1'000'000},
    {"timer_cancel_1k", on_context<timer_cancel<1'000>>, 500'000},
    {"timer_cancel_10k", on_context<timer_cancel<10'000>>, 500'000},
    {"timer_cancel_100k", on_context<timer_cancel<100'000>>, 500'000},
    {"timer_cancel_1m", on_context<timer_cancel<1'000'000>>, 1'000'000},
    {"cancel_catch", on_context<cancel_catch>, 100'000},
    {"post_throughput", on_context<post_throughput>, 1'000'000},
    {"post_latency", on_context<post_latency>, 3'000},
    {"bytes_per_task", on_context<bytes_per_task>, 100'000, true},
};

}  // namespace

int main(int argc, char** argv) { return bench::main(argc, argv, tests); }

// How much memory a program has while a million tasks live, and after they are gone: at once, and a
// second of loop time later. Beside it, frames that one thread makes and the loop of another frees.
#include <ringio.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <latch>
#include <semaphore>
#include <thread>
#include <vector>

using namespace ringio;
using namespace std::chrono_literals;

namespace {

long resident_kib() {
    long pages = 0;
    std::FILE* const file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr || std::fscanf(file, "%*d %ld", &pages) != 1) {
        pages = 0;
    }
    if (file != nullptr) {
        std::fclose(file);
    }
    return pages * 4;
}

Task<int> nothing() { co_return 1; }

Task<> wait_for(Event& event) { co_await event.wait(); }

Task<> million_tasks(bool busy) {
    constexpr int count = 1'000'000;
    const long before = resident_kib();
    {
        Event event;
        for (int number = 0; number < count; ++number) {
            create_task(wait_for(event));
        }
        co_await sleep(0s);
        fmt::print("a million tasks: {} KiB, {} KiB before\n", resident_kib(), before);
        event.set();
        co_await sleep(0s);
        co_await sleep(0s);
    }
    fmt::print("gone: {} KiB\n", resident_kib());
    const auto end = std::chrono::steady_clock::now() + 1s;
    if (busy) {
        while (std::chrono::steady_clock::now() < end) {
            co_await sleep(0s);
        }
    } else {
        co_await sleep(1s);
    }
    fmt::print("a second later, with a loop that {}: {} KiB\n", busy ? "is busy" : "sleeps",
               resident_kib());
}

// Frames made here, freed by a loop elsewhere.
void cross_threads() {
    constexpr int rounds = 500;
    constexpr int frames = 1'000;
    EventLoop loop;
    std::latch running(1);
    std::thread thread([&] {
        loop.call_soon([&] { running.count_down(); });
        loop.run_forever();
        loop.close();
    });
    running.wait();
    for (int round = 1; round <= rounds; ++round) {
        for (int number = 0; number < frames; ++number) {
            loop.call_soon_threadsafe(
                [&loop, task = nothing()]() mutable { loop.create_task(std::move(task)); });
        }
        std::binary_semaphore done(0);
        loop.call_soon_threadsafe([&] { done.release(); });
        done.acquire();
        if (round == rounds / 10 || round == rounds) {
            fmt::print("{} frames made on one thread and freed on another: {} KiB\n",
                       round * frames, resident_kib());
        }
    }
    loop.call_soon_threadsafe([&] { loop.stop(); });
    thread.join();
}

}  // namespace

int main() {
    run(million_tasks(false));
    run(million_tasks(true));
    cross_threads();
}

// Workers are killed at random moments. RINGIO_POOL_STRESS_SECONDS says for how long; two seconds.
#include <ringio/process/process_pool_executor.hpp>

#include <support/catch.hpp>
#include <support/no_processes.hpp>
#include <support/worker_calls.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace ringio::test_support::pool_stress {
namespace {

using concurrent::BrokenProcessPool;
using concurrent::OnWorkerDeath;
using concurrent::ProcessPoolExecutor;
using std::chrono::steady_clock;

std::chrono::milliseconds time_for_stress() {
    const char* const text = ::getenv("RINGIO_POOL_STRESS_SECONDS");
    return std::chrono::milliseconds(text == nullptr ? 2000 : 1000 * std::atoi(text));
}

std::ptrdiff_t thread_count() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                         std::filesystem::directory_iterator());
}

std::string reversed(const std::string& text) { return {text.rbegin(), text.rend()}; }

/// Kills workers of the pool, at moments of its own, until it is destroyed.
class Killer {
public:
    Killer(const ProcessPoolExecutor& pool, unsigned seed)
        : thread_([this, &pool, seed] {
              std::mt19937 random(seed);
              while (!stop_) {
                  std::this_thread::sleep_for(std::chrono::microseconds(random() % 5000));
                  const std::vector<pid_t> workers = pool.worker_pids();
                  if (!workers.empty()) {
                      // Ours as long as the pool has not reaped it; the pid of one that it has just
                      // reaped belongs to nobody yet.
                      ::kill(workers[random() % workers.size()], SIGKILL);
                  }
              }
          }) {}
    Killer(const Killer&) = delete;
    Killer& operator=(const Killer&) = delete;
    ~Killer() {
        stop_ = true;
        thread_.join();
    }

private:
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

/// Calls with arguments of all lengths while workers die; returns how many had a result.
int call_while_killing(ProcessPoolExecutor& pool, unsigned seed, int calls) {
    std::mt19937 random(seed);
    std::vector<concurrent::Future<std::string>> futures;
    int results = 0;
    {
        const Killer killer(pool, seed);
        try {
            for (int i = 0; i < calls; ++i) {
                const std::size_t length = random() % (random() % 8 == 0 ? 500'000 : 100);
                futures.push_back(pool.submit(reversed, std::string(length, 'x') + "y"));
                if (random() % 16 == 0) {
                    futures.back().cancel();
                }
            }
        } catch (const BrokenProcessPool&) {
        }
        for (const auto& future : futures) {
            try {
                results += future.result().starts_with('y') ? 1 : 0;
            } catch (const BrokenProcessPool&) {
            } catch (const CancelledError&) {
            }
        }
    }
    pool.shutdown();
    for (const auto& future : futures) {
        REQUIRE(future.done());
    }
    return results;
}

void stress(OnWorkerDeath on_death, int calls) {
    const auto end = steady_clock::now() + time_for_stress();
    unsigned seed = 0;
    do {
        ++seed;
        CAPTURE(seed);
        const NoProcesses none_left;
        const auto threads = thread_count();
        {
            ProcessPoolExecutor pool({.max_workers = 3, .on_worker_death = on_death});
            const int results = call_while_killing(pool, seed, calls);
            CHECK(results <= calls);
        }
        while (thread_count() != threads) {  // a thread that was joined leaves the list later
            std::this_thread::yield();
        }
    } while (steady_clock::now() < end);
}

}  // namespace

TEST_CASE("pool stress: pools break at random moments, and leave nothing behind") {
    stress(OnWorkerDeath::break_pool, 100);
}

TEST_CASE("pool stress: workers are killed and replaced at random moments") {
    stress(OnWorkerDeath::fail_task, 200);
}

TEST_CASE("pool stress: ten thousand calls") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    std::vector<concurrent::Future<int>> futures;
    for (int i = 0; i < 10'000; ++i) {
        futures.push_back(pool.submit(same_number, i));
    }
    for (int i = 0; i < 10'000; ++i) {
        REQUIRE(futures[static_cast<std::size_t>(i)].result() == i);
    }
}

// Of twelve gigabytes at its height: only where it is asked for.
TEST_CASE("pool stress: an argument and a result of a gigabyte") {
    if (::getenv("RINGIO_POOL_GIGABYTE") == nullptr) {
        return;
    }
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    const std::size_t size = std::size_t{1} << 30U;
    std::string text(size, 'a');
    text.back() = 'b';
    const std::string result = pool.submit(reversed, text).result();
    CHECK(result.size() == size);
    CHECK(result.front() == 'b');
    CHECK(result.back() == 'a');
}

}  // namespace ringio::test_support::pool_stress

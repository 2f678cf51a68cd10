// What the programs of the micro benchmarks share: clocks, memory, and the command line. A process
// runs one test once, cold, and prints a line of JSON; run.py starts them in turns and takes
// medians.
#pragma once

#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

namespace bench {

inline double clock_ns(clockid_t clock) {
    timespec now;
    ::clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// CPU time of this thread: what else runs on the machine does not count.
inline double cpu_ns() { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }

/// For what two threads do together.
inline double wall_ns() { return clock_ns(CLOCK_MONOTONIC); }

/// Memory that this process really has, in bytes. Kernel: statm is off by up to 64 pages per CPU,
/// smaps_rollup is exact.
inline double resident_bytes() {
    double kilobytes = 0;
    std::FILE* const file = std::fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    while (file != nullptr && std::fgets(line, sizeof line, file) != nullptr) {
        if (std::sscanf(line, "Rss: %lf", &kilobytes) == 1) {
            break;
        }
    }
    if (file != nullptr) {
        std::fclose(file);
    }
    return kilobytes * 1024;
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

/// Deadlines are scattered over 10 ns for each of the timers that live at once: whoever arms a
/// timer in more than that has all of them due when the last is armed.
inline std::int64_t fire_within(std::size_t timers) {
    return 10 * static_cast<std::int64_t>(timers);
}

struct Test {
    const char* name;
    double (*run)(std::size_t ops);  // the cost of all operations: ns, or bytes
    std::size_t ops;
    bool in_bytes = false;
};

/// `--only NAME` runs one test, `--quick` a hundredth of the work (but all of it where bytes are
/// counted: pages are coarse), `--ops N` just so many
/// operations; `--list` prints the names.
inline int main(int argc, char** argv, std::span<const Test> tests) {
    const char* only = nullptr;
    std::size_t divisor = 1;
    std::size_t wanted = 0;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--quick") == 0) {
            divisor = 100;
        } else if (std::strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            only = argv[++i];
        } else if (std::strcmp(argv[i], "--ops") == 0 && i + 1 < argc) {
            wanted = std::strtoull(argv[++i], nullptr, 10);
        } else if (std::strcmp(argv[i], "--list") == 0) {
            for (const Test& test : tests) {
                std::puts(test.name);
            }
            return 0;
        } else {
            std::fprintf(stderr, "usage: %s [--only TEST] [--quick] [--ops N] [--list]\n", argv[0]);
            return 2;
        }
    }
    bool found = false;
    for (const Test& test : tests) {
        if (only != nullptr && std::strcmp(only, test.name) != 0) {
            continue;
        }
        found = true;
        const std::size_t usual = test.in_bytes ? test.ops : test.ops / divisor;
        const std::size_t ops = wanted != 0 ? wanted : usual;
        const double cost = test.run(ops) / static_cast<double>(ops);
        std::printf("{\"test\": \"%s\", \"%s\": %.2f, \"ops\": %zu}\n", test.name,
                    test.in_bytes ? "bytes_per_op" : "ns_per_op", cost, ops);
        std::fflush(stdout);
    }
    return found ? 0 : 2;
}

}  // namespace bench

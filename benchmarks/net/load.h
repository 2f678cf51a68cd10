// What the load clients share: requests are counted, with their latencies in a histogram; a burst
// is measured by clocks, on orders from standard input: "0.3 seconds", "10000 requests".
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { sub_buckets = 64, bucket_count = 64 * sub_buckets };

static uint64_t histogram[bucket_count];  // latencies in ns, 64 buckets per power of two
static uint64_t requests;                 // completed
static uint64_t to_start;                 // requests of this burst that have not begun
static size_t under_way;  // requests of this burst that have begun and not completed
static bool has_server;
static clockid_t server_clock;

static void die(const char* what, int error) {
    fprintf(stderr, "client: %s: %s\n", what, strerror(error));
    exit(1);
}

/// Kernel: the CPU clock of any process, to the nanosecond, clock_getcpuclockid(3).
static inline void watch_server(pid_t pid) {
    has_server = pid > 0 && clock_getcpuclockid(pid, &server_clock) == 0;
}

static inline uint64_t clock_ns(clockid_t clock) {
    struct timespec t;
    if (clock_gettime(clock, &t) != 0) {
        return 0;
    }
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline unsigned bucket_of(uint64_t ns) {
    if (ns < sub_buckets) {
        return (unsigned)ns;
    }
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - 6u;
    return (shift + 1) * sub_buckets + (unsigned)((ns >> shift) - sub_buckets);
}

static inline double bucket_middle(unsigned bucket) {
    if (bucket < sub_buckets) {
        return bucket;
    }
    unsigned shift = bucket / sub_buckets - 1;
    return ((double)(bucket % sub_buckets + sub_buckets) + 0.5) * (double)(1ull << shift);
}

static inline double percentile_us(double fraction) {
    uint64_t wanted = (uint64_t)((double)requests * fraction);
    uint64_t seen = 0;
    for (unsigned i = 0; i < bucket_count; ++i) {
        seen += histogram[i];
        if (seen > wanted) {
            return bucket_middle(i) / 1000.0;
        }
    }
    return 0;
}

static inline void count_request(uint64_t ns) {
    ++histogram[bucket_of(ns)];
    ++requests;
    --under_way;
}

/// What a burst is measured by; differences of two.
struct reading {
    uint64_t requests;
    uint64_t wall;
    uint64_t client;
    uint64_t server;
};

static inline struct reading read_clocks(void) {
    return (struct reading){requests, clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_PROCESS_CPUTIME_ID),
                            has_server ? clock_ns(server_clock) : 0};
}

static void report(struct reading from, struct reading to) {
    printf(
        "{\"requests\": %llu, \"seconds\": %.6f, \"p50_us\": %.3f, \"p99_us\": %.3f, "
        "\"client_cpu\": %.6f",
        (unsigned long long)(to.requests - from.requests), (double)(to.wall - from.wall) / 1e9,
        percentile_us(0.50), percentile_us(0.99), (double)(to.client - from.client) / 1e9);
    if (has_server) {
        printf(", \"server_cpu\": %.6f", (double)(to.server - from.server) / 1e9);
    }
    printf("}\n");
    fflush(stdout);
}

static void forget(void) {
    memset(histogram, 0, sizeof histogram);
    requests = 0;
}

/// Answers the lines of standard input. `start_all` begins requests, `count` of them in the end;
/// `run_for` goes on for so long, and until each connection had its turn; `run_out` until none is
/// to be started and none is under way.
static void serve_bursts(void (*start_all)(uint64_t count), void (*run_for)(double seconds),
                         void (*run_out)(void)) {
    char line[128];
    while (fgets(line, sizeof line, stdin) != NULL) {
        double amount = 0;
        char unit[16] = "";
        if (sscanf(line, "%lf %15s", &amount, unit) != 2 || amount <= 0) {
            die("a line of the input", EINVAL);
        }
        forget();
        struct reading from;
        struct reading to;
        if (strcmp(unit, "requests") == 0) {
            from = read_clocks();
            start_all((uint64_t)amount);
            run_out();
            to = read_clocks();
        } else {
            start_all(UINT64_MAX);
            run_for(amount * 0.2);
            forget();
            from = read_clocks();
            run_for(amount);
            to = read_clocks();
        }
        report(from, to);
        to_start = 0;
        run_out();
    }
}

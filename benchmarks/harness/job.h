// What programs share that do one job and end: clocks, and the line that they print for jobs.py.
#pragma once

#ifdef __cplusplus
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#else
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#endif
#include <time.h>

struct job_clocks {
    double wall;
    double cpu;
};

static inline void die(const char* what, int error) {
    fprintf(stderr, "%s: %s\n", what, strerror(error));
    exit(1);
}

static inline double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static inline struct job_clocks start_clocks(void) {
    struct job_clocks clocks;
    clocks.wall = seconds(CLOCK_MONOTONIC);
    clocks.cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    return clocks;
}

/// `blocked`: seconds of it in which nothing else could run; below 0 where that is no question.
static inline void print_job(struct job_clocks from, uint64_t operations, double blocked) {
    const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - from.cpu;
    const double wall = seconds(CLOCK_MONOTONIC) - from.wall;
    printf("{\"operations\": %llu, \"seconds\": %.9f, \"cpu_seconds\": %.9f",
           (unsigned long long)operations, wall, cpu);
    if (blocked >= 0) {
        printf(", \"blocked_seconds\": %.9f", blocked);
    }
    printf("}\n");
}

/// The argument `index`, a number above 0.
static inline uint64_t number_argument(int argc, char** argv, int index) {
    const uint64_t number = index < argc ? strtoull(argv[index], NULL, 10) : 0;
    if (number == 0) {
        die(index < argc ? argv[index] : "an argument is missing", EINVAL);
    }
    return number;
}

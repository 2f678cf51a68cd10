// What the disk programs share: the job, clocks, and the line that they print.
//
//     disk_X random FILE cached|direct READS     4 KiB at random places, 32 reads in flight
//     disk_X copy FILE TARGET                    blocks of 256 KiB, 8 in flight
#pragma once

#ifdef __cplusplus
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#else
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#endif
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { page_size = 4096, read_depth = 32, block_size = 256 * 1024, copy_depth = 8 };

struct job {
    bool copies;
    int source;
    int target;       // of a copy
    uint64_t size;    // of the source
    uint64_t reads;   // of the random job
    uint64_t random;  // state of next_page()
    double wall;      // when it began
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

/// The offset of a page chosen at random (splitmix64): the same ones in every program.
static inline uint64_t next_page(struct job* job) {
    uint64_t z = job->random += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    const uint64_t pages = job->size / page_size;
    return (uint64_t)(((unsigned __int128)z * pages) >> 64) * page_size;
}

/// Memory that O_DIRECT takes.
static inline char* aligned_memory(size_t size) {
    void* const memory = aligned_alloc(page_size, size);
    if (memory == NULL) {
        die("aligned_alloc", ENOMEM);
    }
    memset(memory, 0, size);
    return (char*)memory;
}

static inline int open_or_die(const char* path, int flags) {
    const int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0) {
        die(path, errno);
    }
    return fd;
}

static inline struct job read_job(int argc, char** argv) {
    struct job job;
    memset(&job, 0, sizeof job);
    struct stat status;
    if (argc == 5 && strcmp(argv[1], "random") == 0) {
        const bool direct = strcmp(argv[3], "direct") == 0;
        job.source = open_or_die(argv[2], O_RDONLY | (direct ? O_DIRECT : 0));
        job.reads = strtoull(argv[4], NULL, 10);
    } else if (argc == 4 && strcmp(argv[1], "copy") == 0) {
        job.copies = true;
        job.source = open_or_die(argv[2], O_RDONLY);
        job.target = open_or_die(argv[3], O_WRONLY | O_CREAT);
    } else {
        fprintf(stderr, "usage: %s random FILE cached|direct READS | copy FILE TARGET\n", argv[0]);
        exit(2);
    }
    if (fstat(job.source, &status) != 0 || status.st_size < page_size) {
        die("fstat", errno);
    }
    job.size = (uint64_t)status.st_size;
    return job;
}

static inline void start_clocks(struct job* job) {
    job->wall = seconds(CLOCK_MONOTONIC);
    job->cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
}

/// How many bytes the block at this offset has.
static inline size_t block_length(const struct job* job, uint64_t offset) {
    const uint64_t left = job->size - offset;
    return left < block_size ? (size_t)left : (size_t)block_size;
}

static inline void print_result(const struct job* job) {
    const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - job->cpu;
    const double wall = seconds(CLOCK_MONOTONIC) - job->wall;
    printf("{\"seconds\": %.6f, \"cpu_seconds\": %.6f, \"reads\": %llu, \"bytes\": %llu}\n", wall,
           cpu, (unsigned long long)job->reads,
           (unsigned long long)(job->copies ? job->size : job->reads * page_size));
}

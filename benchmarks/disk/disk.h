// What the disk programs share: the job, clocks, and the line that they print.
//
//     disk_X random FILE cached|direct READS [DEPTH]    4 KiB at random places, DEPTH (32) at a
//     time disk_X write FILE cached|direct WRITES DEPTH       the same, written disk_X forward FILE
//     READS                          64 KiB one after the other, and again disk_X overwrite FILE
//     WRITES                       the same, written disk_X copy FILE TARGET blocks of 256 KiB, 8
//     in flight
//
// `write`, `forward` and `overwrite` are for disk_liburing and disk_ringio.
#pragma once

#include "../harness/job.h"

#ifndef __cplusplus
#include <stdbool.h>
#endif
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { page_size = 4096, read_depth = 32, block_size = 256 * 1024, copy_depth = 8 };
enum { forward_size = 64 * 1024 };

struct job {
    bool copies;
    bool writes;
    bool forward;  // not at random
    int source;
    int target;       // of a copy
    unsigned depth;   // requests at a time, but for copies
    uint64_t size;    // of the source
    uint64_t reads;   // or writes, but for copies
    uint64_t random;  // state of next_page()
    struct job_clocks clocks;
};

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
    const char* const kind = argc > 3 ? argv[1] : "";
    job.depth = read_depth;
    job.writes = strcmp(kind, "write") == 0 || strcmp(kind, "overwrite") == 0;
    job.forward = strcmp(kind, "forward") == 0 || strcmp(kind, "overwrite") == 0;
    job.copies = argc == 4 && strcmp(kind, "copy") == 0;
    if (job.copies) {
        job.source = open_or_die(argv[2], O_RDONLY);
        job.target = open_or_die(argv[3], O_WRONLY | O_CREAT);
    } else if (job.forward && argc == 4) {
        job.source = open_or_die(argv[2], job.writes ? O_WRONLY : O_RDONLY);
        job.reads = number_argument(argc, argv, 3);
        job.depth = 1;
    } else if ((job.writes || strcmp(kind, "random") == 0) && argc >= 5) {
        const bool direct = strcmp(argv[3], "direct") == 0;
        job.source =
            open_or_die(argv[2], (job.writes ? O_WRONLY : O_RDONLY) | (direct ? O_DIRECT : 0));
        job.reads = number_argument(argc, argv, 4);
        job.depth = argc > 5 ? (unsigned)number_argument(argc, argv, 5) : (unsigned)read_depth;
    } else {
        fprintf(stderr,
                "usage: %s random|write FILE cached|direct N [DEPTH] | "
                "forward|overwrite FILE N | copy FILE TARGET\n",
                argv[0]);
        exit(2);
    }
    if (fstat(job.source, &status) != 0 || status.st_size < page_size) {
        die("fstat", errno);
    }
    if (job.depth > read_depth || (job.forward && status.st_size % forward_size != 0)) {
        die("the depth, or the size of the file", EINVAL);
    }
    job.size = (uint64_t)status.st_size;
    return job;
}

/// How many bytes a read or write has.
static inline size_t request_size(const struct job* job) {
    return job->forward ? (size_t)forward_size : (size_t)page_size;
}

/// How many bytes the block at this offset has.
static inline size_t block_length(const struct job* job, uint64_t offset) {
    const uint64_t left = job->size - offset;
    return left < block_size ? (size_t)left : (size_t)block_size;
}

static inline void print_result(const struct job* job) {
    const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - job->clocks.cpu;
    const double wall = seconds(CLOCK_MONOTONIC) - job->clocks.wall;
    printf(
        "{\"seconds\": %.6f, \"cpu_seconds\": %.6f, \"reads\": %llu, \"bytes\": %llu, "
        "\"operations\": %llu}\n",
        wall, cpu, (unsigned long long)job->reads,
        (unsigned long long)(job->copies ? job->size : job->reads * request_size(job)),
        (unsigned long long)job->reads);
}

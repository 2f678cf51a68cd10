// What every echo server written in C or C++ does before it serves: reads its options, allows
// itself enough descriptors, and says where it listens.
#pragma once

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { server_backlog = 4096 };

struct server_options {
    int port;          // 0: the kernel chooses
    size_t size;       // the messages to expect, in bytes; any other stream is served as well
    int together;      // whether sends leave with the next entry into the kernel; -1: unsaid
    int patience;      // seconds that a peer may be silent before it is let go; 0: for ever
    const char* path;  // of a Unix socket, in place of TCP; else null
};

static inline struct server_options read_options(int argc, char** argv) {
    struct server_options options = {0, 16384, -1, 0, NULL};
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && strcmp(argv[i], "--port") == 0) {
            options.port = atoi(argv[i + 1]);
        } else if (i + 1 < argc && strcmp(argv[i], "--size") == 0 && atoi(argv[i + 1]) > 0) {
            options.size = (size_t)atoi(argv[i + 1]);
        } else if (i + 1 < argc && strcmp(argv[i], "--together") == 0) {
            options.together = atoi(argv[i + 1]);
        } else if (i + 1 < argc && strcmp(argv[i], "--patience") == 0) {
            options.patience = atoi(argv[i + 1]);
        } else if (i + 1 < argc && strcmp(argv[i], "--unix") == 0) {
            options.path = argv[i + 1];
        } else {
            fprintf(stderr,
                    "usage: %s [--port n | --unix path] [--size bytes] [--together 0|1] "
                    "[--patience seconds]\n",
                    argv[0]);
            exit(2);
        }
    }
    return options;
}

/// Raises the soft limit of descriptors as far as allowed; returns it.
static inline size_t allow_descriptors(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 1024;
    }
    limit.rlim_cur = limit.rlim_max < (1u << 20) ? limit.rlim_max : (1u << 20);
    setrlimit(RLIMIT_NOFILE, &limit);
    return (size_t)limit.rlim_cur;
}

static inline void say_listening(int port) {
    printf("listening %d\n", port);
    fflush(stdout);
}

static inline void say_listening_at(const char* path) {
    printf("listening %s\n", path);
    fflush(stdout);
}

/// The address of a Unix socket; a path that is too long is cut, and is not there then.
static inline struct sockaddr_un unix_address(const char* path) {
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    return address;
}

/// A Unix socket that listens; below 0 when that failed.
static inline int listen_at(const char* path, int flags) {
    const struct sockaddr_un address = unix_address(path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | flags, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr*)&address, sizeof address) != 0 ||
        listen(fd, server_backlog) != 0) {
        return -1;
    }
    say_listening_at(path);
    return fd;
}

// What every UDP echo server written in C or C++ does before it serves: its options, its sockets.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { sockets_max = 1024 };

struct server_options {
    int sockets;   // each with a port of its own
    int together;  // whether sends leave with the next entry into the kernel; -1: unsaid
};

static inline struct server_options read_options(int argc, char** argv) {
    struct server_options options = {1, -1};
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && strcmp(argv[i], "--sockets") == 0 && atoi(argv[i + 1]) > 0 &&
            atoi(argv[i + 1]) <= sockets_max) {
            options.sockets = atoi(argv[i + 1]);
        } else if (i + 1 < argc && strcmp(argv[i], "--together") == 0) {
            options.together = atoi(argv[i + 1]);
        } else {
            fprintf(stderr, "usage: %s [--sockets n] [--together 0|1]\n", argv[0]);
            exit(2);
        }
    }
    return options;
}

static inline void die(const char* what, int error) {
    fprintf(stderr, "udp server: %s: %s\n", what, strerror(error));
    exit(1);
}

/// A socket on a free port of the loopback interface.
static inline int bound_socket(int flags) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr*)&address, sizeof address) != 0) {
        die("socket", errno);
    }
    return fd;
}

static inline int port_of(int fd) {
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr*)&address, &length) != 0) {
        die("getsockname", errno);
    }
    return ntohs(address.sin_port);
}

/// One word for all ports, with commas.
static inline void say_listening(const int* fds, int count) {
    printf("listening ");
    for (int i = 0; i < count; ++i) {
        printf(i == 0 ? "%d" : ",%d", port_of(fds[i]));
    }
    printf("\n");
    fflush(stdout);
}

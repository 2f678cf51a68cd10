// The echo server on epoll, written by hand: edge-triggered, one epoll_ctl in a connection's life,
// one buffer for all of them. A read that does not fill the buffer has emptied the socket
// (epoll(7)), so a request costs one recv, one send and its share of an epoll_wait. A connection
// whose peer does not read is not read from until its output is gone.
#define _GNU_SOURCE
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { events_per_wait = 256, buffer_size = 65536 };

/// What the socket has not taken yet: [begin, end) of `out`, empty for most, always.
struct connection {
    char* out;
    size_t begin;
    size_t end;
};

static int poller;
static int listener;
static struct connection* connections;  // indexed by descriptor
static size_t connection_limit;
static char buffer[buffer_size];

static void die(const char* what) {
    fprintf(stderr, "epoll_server: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void drop(int fd) {
    free(connections[fd].out);
    connections[fd] = (struct connection){0};
    close(fd);
}

static void keep(struct connection* c, const char* data, size_t length) {
    if (c->out == NULL && (c->out = malloc(buffer_size)) == NULL) {
        die("malloc");
    }
    memcpy(c->out, data, length);
    c->begin = 0;
    c->end = length;
}

/// Sends; gives how much the socket took, -1 when the connection has failed.
static inline ssize_t send_some(int fd, const char* data, size_t length) {
    ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    return sent;
}

/// Sends what was kept; tells whether all of it is gone and the connection lives.
static bool flush(int fd, struct connection* c) {
    ssize_t sent = send_some(fd, c->out + c->begin, c->end - c->begin);
    if (sent < 0) {
        drop(fd);
        return false;
    }
    c->begin += (size_t)sent;
    return c->begin == c->end;
}

/// Echoes until the socket is empty or takes no more; its next edge calls again.
static inline void on_event(int fd) {
    struct connection* c = &connections[fd];
    if (c->begin != c->end && !flush(fd, c)) {
        return;
    }
    for (;;) {
        ssize_t received = recv(fd, buffer, buffer_size, 0);
        if (received <= 0) {
            if (received == 0 || (errno != EAGAIN && errno != EINTR)) {
                drop(fd);
            }
            return;
        }
        ssize_t sent = send_some(fd, buffer, (size_t)received);
        if (sent < 0) {
            drop(fd);
            return;
        }
        if (sent < received) {
            keep(c, buffer + sent, (size_t)(received - sent));
            return;
        }
        if (received < buffer_size) {
            return;
        }
    }
}

static void accept_all(void) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                    .data.fd = fd};
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if ((size_t)fd >= connection_limit || epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) {
            close(fd);
        }
    }
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        die("accept");
    }
}

/// Says where it listens, too.
static int listen_to(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    socklen_t length = sizeof address;
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr*)&address, sizeof address) != 0 ||
        listen(fd, server_backlog) != 0 ||
        getsockname(fd, (struct sockaddr*)&address, &length) != 0) {
        return -1;
    }
    say_listening(ntohs(address.sin_port));
    return fd;
}

static void set_up(struct server_options options) {
    struct epoll_event event = {.events = EPOLLIN};
    poller = epoll_create1(EPOLL_CLOEXEC);
    listener = options.path != NULL ? listen_at(options.path, SOCK_NONBLOCK | SOCK_CLOEXEC)
                                    : listen_to(options.port);
    event.data.fd = listener;
    if (listener < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) != 0) {
        die("listen");
    }
    connection_limit = allow_descriptors();
    connections = calloc(connection_limit, sizeof *connections);
    if (connections == NULL) {
        die("calloc");
    }
}

int main(int argc, char** argv) {
    static struct epoll_event events[events_per_wait];
    set_up(read_options(argc, argv));
    for (;;) {
        int count = epoll_wait(poller, events, events_per_wait, -1);
        if (count < 0 && errno != EINTR) {
            die("epoll_wait");
        }
        for (int i = 0; i < count; ++i) {
            if (events[i].data.fd == listener) {
                accept_all();
            } else {
                on_event(events[i].data.fd);
            }
        }
    }
}

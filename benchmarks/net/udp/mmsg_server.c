// The UDP echo server on epoll, written by hand: edge-triggered; many datagrams of a socket are
// received by one recvmmsg(2) and sent back by one sendmmsg(2), which io_uring has no request for.
// One datagram alone costs less by recvfrom(2), so a socket that had one the last time is asked so.
#define _GNU_SOURCE
#include "server.h"

#include <stdbool.h>
#include <sys/epoll.h>

enum { batch = 64, datagram_max = 1536, events_per_wait = 256 };

static int fds[sockets_max];
static bool had_many[sockets_max];
static struct mmsghdr messages[batch];
static struct iovec parts[batch];
static struct sockaddr_in names[batch];
static char memory[batch][datagram_max];

static void set_up_messages(void) {
    for (int i = 0; i < batch; ++i) {
        messages[i].msg_hdr = (struct msghdr){.msg_name = &names[i],
                                              .msg_namelen = sizeof names[i],
                                              .msg_iov = &parts[i],
                                              .msg_iovlen = 1};
        parts[i] = (struct iovec){memory[i], datagram_max};
    }
}

/// Echoes as many as there are, up to a batch; true when there may be more.
static inline bool echo_many(int fd) {
    const int count = recvmmsg(fd, messages, batch, MSG_DONTWAIT, NULL);
    if (count <= 0) {
        return false;
    }
    for (int i = 0; i < count; ++i) {
        parts[i].iov_len = messages[i].msg_len;
    }
    sendmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT);
    for (int i = 0; i < count; ++i) {
        parts[i].iov_len = datagram_max;
        messages[i].msg_hdr.msg_namelen = sizeof names[i];
    }
    return count == batch;
}

static inline bool echo_one(int fd) {
    socklen_t length = sizeof names[0];
    const ssize_t size =
        recvfrom(fd, memory[0], datagram_max, MSG_DONTWAIT, (struct sockaddr*)&names[0], &length);
    if (size < 0) {
        return false;
    }
    sendto(fd, memory[0], (size_t)size, MSG_DONTWAIT, (struct sockaddr*)&names[0], length);
    return true;
}

/// Edge-triggered: until the socket is empty.
static inline void on_event(unsigned index) {
    const int fd = fds[index];
    int count = 0;
    if (!had_many[index]) {
        while (count < 2 && echo_one(fd)) {
            ++count;
        }
        had_many[index] = count == 2;
        if (count < 2) {
            return;
        }
    }
    bool many = false;
    while (echo_many(fd)) {
        many = true;
    }
    had_many[index] = many || had_many[index];
}

int main(int argc, char** argv) {
    static struct epoll_event events[events_per_wait];
    const struct server_options options = read_options(argc, argv);
    const int poller = epoll_create1(EPOLL_CLOEXEC);
    set_up_messages();
    for (int i = 0; i < options.sockets; ++i) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = (unsigned)i};
        fds[i] = bound_socket(SOCK_NONBLOCK);
        if (epoll_ctl(poller, EPOLL_CTL_ADD, fds[i], &event) != 0) {
            die("epoll_ctl", errno);
        }
    }
    say_listening(fds, options.sockets);
    for (;;) {
        const int count = epoll_wait(poller, events, events_per_wait, -1);
        if (count < 0 && errno != EINTR) {
            die("epoll_wait", errno);
        }
        for (int i = 0; i < count; ++i) {
            on_event(events[i].data.u32);
        }
    }
}

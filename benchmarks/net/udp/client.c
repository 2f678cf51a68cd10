// The load for UDP echo servers: on each of its sockets, which are connected to a port each, so
// many datagrams are under way; for each that comes back one is sent. Many are sent and received by
// one call, and of what comes only the time at its beginning is read, so that the server is
// measured.
//
//     udp_client PORT,PORT… SOCKETS BYTES [SERVER-PID [WINDOW]]
//
// Datagrams are compared once per socket; one that is lost ends the program. Standard input and
// output are as echo_client's.
#define _GNU_SOURCE
#include "../load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { batch = 64, sockets_max = 1024, size_max = 1472, patience_ms = 2000 };

static int fds[sockets_max];
static int socket_count;
static unsigned window = 1;
static size_t message_size;
static int poller;
static char message[size_max];  // begins with the time at which it was sent
static struct iovec message_part;
static struct mmsghdr outgoing[batch];
static struct mmsghdr incoming[batch];
static struct iovec stamp_parts[batch];
static uint64_t stamps[batch];

static void set_up_messages(void) {
    message_part = (struct iovec){message, message_size};
    for (int i = 0; i < batch; ++i) {
        outgoing[i].msg_hdr = (struct msghdr){.msg_iov = &message_part, .msg_iovlen = 1};
        stamp_parts[i] = (struct iovec){&stamps[i], sizeof stamps[i]};
        incoming[i].msg_hdr = (struct msghdr){.msg_iov = &stamp_parts[i], .msg_iovlen = 1};
    }
}

static inline void start_requests(int fd, uint64_t count, uint64_t now) {
    count = count < to_start ? count : to_start;
    memcpy(message, &now, sizeof now);
    for (uint64_t sent = 0; sent < count;) {
        const uint64_t part = count - sent < batch ? count - sent : batch;
        const int result = sendmmsg(fd, outgoing, (unsigned)part, 0);
        if (result <= 0) {
            die("sendmmsg", errno);
        }
        sent += (uint64_t)result;
    }
    to_start -= count;
    under_way += count;
}

static inline void on_readable(int fd) {
    int count = batch;
    while (count == batch) {
        count = recvmmsg(fd, incoming, batch, MSG_DONTWAIT | MSG_TRUNC, NULL);
        if (count <= 0) {
            return;
        }
        const uint64_t now = clock_ns(CLOCK_MONOTONIC);
        for (int i = 0; i < count; ++i) {
            if (incoming[i].msg_len != message_size) {
                die("the length of an echo", EPROTO);
            }
            count_request(now - stamps[i]);
        }
        start_requests(fd, (uint64_t)count, now);
    }
}

static void turn(void) {
    struct epoll_event events[batch];
    const int count = epoll_wait(poller, events, batch, patience_ms);
    if (count == 0) {
        die("a datagram was lost", ETIMEDOUT);
    }
    for (int i = 0; i < count; ++i) {
        on_readable(events[i].data.fd);
    }
}

static void start_all(uint64_t count) {
    to_start = count;
    for (int i = 0; i < socket_count; ++i) {
        start_requests(fds[i], window, clock_ns(CLOCK_MONOTONIC));
    }
}

static void run_for(double seconds) {
    const uint64_t end = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9);
    const uint64_t enough = requests + (uint64_t)socket_count;
    while (clock_ns(CLOCK_MONOTONIC) < end || requests < enough) {
        turn();
    }
}

static void run_out(void) {
    while (to_start > 0 || under_way > 0) {
        turn();
    }
}

static void check(int fd) {
    char echoed[size_max + 1];
    if (send(fd, message, message_size, 0) < 0) {
        die("send", errno);
    }
    const ssize_t size = recv(fd, echoed, sizeof echoed, 0);
    if (size != (ssize_t)message_size || memcmp(echoed, message, message_size) != 0) {
        die("the echo differs from the message", size < 0 ? errno : EPROTO);
    }
}

static void connect_to(const char* port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    struct timeval patience = {.tv_sec = 10};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd < 0 || connect(fd, (struct sockaddr*)&address, sizeof address) != 0 ||
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) {
        die("connect", errno);
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    fds[socket_count++] = fd;
    check(fd);
}

int main(int argc, char** argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: %s port,port… sockets bytes [server-pid [window]]\n", argv[0]);
        return 2;
    }
    message_size = (size_t)atoi(argv[3]);
    if (message_size < sizeof(uint64_t) || message_size > size_max) {
        die("the size of a message", EINVAL);
    }
    watch_server(argc > 4 ? atoi(argv[4]) : 0);
    window = argc > 5 ? (unsigned)atoi(argv[5]) : 1;
    memset(message, 'x', sizeof message);
    set_up_messages();
    poller = epoll_create1(EPOLL_CLOEXEC);
    for (char* port = strtok(argv[1], ","); port != NULL && socket_count < sockets_max;
         port = strtok(NULL, ",")) {
        connect_to(port);
    }
    if (socket_count != atoi(argv[2])) {
        die("the number of sockets", EINVAL);
    }
    printf("ready\n");
    fflush(stdout);
    serve_bursts(start_all, run_for, run_out);
}

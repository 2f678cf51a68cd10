// The closed-loop load: every connection sends one message, waits for the whole echo, repeats. One
// thread on io_uring (multishot recv, sends tried at once), so that the server is the one measured.
// A message ends in its only '\n'. The echo's bytes are compared once per connection before the
// load starts; under load they are counted and discarded in the kernel (MSG_TRUNC).
//
// Connects, prints "ready", and then serves lines on standard input: "0.3 seconds" is a burst of
// that length after a fifth of it to warm up; "10000 requests" is a burst of exactly so many. Each
// is answered with a JSON object; between bursts nothing is under way. Ends with its input.
//
// Sleepers are further connections that say nothing after their check: the server waits for them.
#define _GNU_SOURCE
#include "../load.h"
#include "server.h"

#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum operation { op_recv, op_send, op_timeout };
enum { buffer_group = 0, buffer_count = 64 };

struct connection {
    int fd;
    bool sending;      // the rest of a message is with the ring
    size_t unsent;     // of the current message
    size_t missing;    // bytes of the echo still to come
    uint64_t started;  // when the current message was sent
};

static struct io_uring ring;
static struct io_uring_buf_ring* buffers;
static char* buffer_memory;
static size_t buffer_size;
static int recycled;
static struct connection* connections;
static size_t connection_count;  // without the sleepers, which come behind
static size_t sleeper_count;
static char* message;
static size_t message_size;
static size_t* starved;  // a ring of connections whose recv ended for want of a buffer
static size_t starved_begin;
static size_t starved_count;

static struct io_uring_sqe* next_sqe(void) {
    struct io_uring_sqe* sqe;
    while ((sqe = io_uring_get_sqe(&ring)) == NULL) {
        int result = io_uring_submit(&ring);
        if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) {
            die("submit", -result);
        }
    }
    return sqe;
}

static unsigned long long tag(enum operation op, size_t index) {
    return (unsigned long long)index << 2 | op;
}

static void arm_recv(size_t index) {
    struct io_uring_sqe* sqe = next_sqe();
    io_uring_prep_recv_multishot(sqe, connections[index].fd, NULL, 0, MSG_TRUNC);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = buffer_group;
    sqe->user_data = tag(op_recv, index);
}

static void recycle(unsigned id) {
    io_uring_buf_ring_add(buffers, buffer_memory + id * buffer_size, (unsigned)buffer_size,
                          (unsigned short)id, io_uring_buf_ring_mask(buffer_count), recycled);
    ++recycled;
}

static void send_rest(size_t index) {
    struct connection* c = &connections[index];
    struct io_uring_sqe* sqe = next_sqe();
    io_uring_prep_send(sqe, c->fd, message + (message_size - c->unsent), c->unsent,
                       MSG_NOSIGNAL | MSG_WAITALL);
    sqe->user_data = tag(op_send, index);
    c->sending = true;
}

static inline void start_request(size_t index, uint64_t now) {
    struct connection* c = &connections[index];
    --to_start;
    ++under_way;
    c->started = now;
    c->missing = message_size;
    ssize_t sent = send(c->fd, message, message_size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        die("send", errno);
    }
    c->unsent = message_size - (sent > 0 ? (size_t)sent : 0);
    if (c->unsent > 0) {
        send_rest(index);
    }
}

static inline void finish_request(size_t index) {
    uint64_t now = clock_ns(CLOCK_MONOTONIC);
    count_request(now - connections[index].started);
    if (to_start > 0) {
        start_request(index, now);
    }
}

static inline void on_recv(size_t index, int result, unsigned flags) {
    struct connection* c = &connections[index];
    if (flags & IORING_CQE_F_BUFFER) {
        recycle(flags >> IORING_CQE_BUFFER_SHIFT);
    }
    if (result == 0) {
        die("recv", ECONNRESET);
    }
    if (result < 0 && result != -ENOBUFS) {
        die("recv", -result);
    }
    if (result == -ENOBUFS) {
        starved[(starved_begin + starved_count++) % connection_count] = index;
        return;
    }
    if (!(flags & IORING_CQE_F_MORE)) {
        arm_recv(index);
    }
    if ((size_t)result > c->missing) {
        die("the server sent more than it was given", EPROTO);
    }
    c->missing -= (size_t)result;
    if (c->missing == 0 && !c->sending) {
        finish_request(index);
    }
}

static void on_send(size_t index, int result) {
    struct connection* c = &connections[index];
    c->sending = false;
    if (result < 0) {
        die("send", -result);
    }
    c->unsent -= (size_t)result;
    if (c->unsent > 0) {
        send_rest(index);
    } else if (c->missing == 0) {
        finish_request(index);  // the echo overtook the completion of its send
    }
}

/// Arms so few that there are buffers for them and for what the kernel delivers beside them.
static void feed_starved(void) {
    for (unsigned i = 0; i < buffer_count / 2 && starved_count > 0; ++i, --starved_count) {
        arm_recv(starved[starved_begin]);
        starved_begin = (starved_begin + 1) % connection_count;
    }
}

/// One turn; tells whether the timeout has fired.
static bool turn(void) {
    bool timeout = false;
    feed_starved();
    int result = starved_count == 0 ? io_uring_submit_and_wait(&ring, 1)
                                    : io_uring_submit_and_get_events(&ring);
    if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) {
        die("submit_and_wait", -result);
    }
    struct io_uring_cqe* cqe;
    unsigned head;
    unsigned seen = 0;
    io_uring_for_each_cqe(&ring, head, cqe) {
        size_t index = (size_t)(cqe->user_data >> 2);
        ++seen;
        switch ((enum operation)(cqe->user_data & 3)) {
            case op_recv:
                on_recv(index, cqe->res, cqe->flags);
                break;
            case op_send:
                on_send(index, cqe->res);
                break;
            case op_timeout:
                timeout = true;
                break;
        }
    }
    io_uring_buf_ring_advance(buffers, recycled);
    recycled = 0;
    io_uring_cq_advance(&ring, seen);
    return timeout;
}

static void start_all(uint64_t count) {
    to_start = count;
    for (size_t i = 0; i < connection_count && to_start > 0; ++i) {
        start_request(i, clock_ns(CLOCK_MONOTONIC));
    }
}

/// Runs for so long, and until there were as many requests as there are connections.
static void run_for(double seconds) {
    struct __kernel_timespec length = {
        .tv_sec = (long long)seconds,
        .tv_nsec = (long long)((seconds - (double)(long long)seconds) * 1e9),
    };
    struct io_uring_sqe* sqe = next_sqe();
    io_uring_prep_timeout(sqe, &length, 0, 0);
    sqe->user_data = tag(op_timeout, 0);
    uint64_t enough = requests + connection_count;
    for (bool timeout = false; !timeout || requests < enough;) {
        timeout |= turn();
    }
}

static void run_out(void) {
    while (to_start > 0 || under_way > 0) {
        turn();
    }
}

/// Begins one echo with plain calls; gives how much of the message was sent.
static size_t begin_check(int fd) {
    ssize_t sent = send(fd, message, message_size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        die("send", errno);
    }
    return sent > 0 ? (size_t)sent : 0;
}

/// Ends it: the connection is accepted and the server returns what it got.
static void end_check(int fd, size_t sent, char* echoed) {
    for (size_t received = 0; received < message_size;) {
        if (sent < message_size) {
            ssize_t n = send(fd, message + sent, message_size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n < 0 && errno != EAGAIN) {
                die("send", errno);
            }
            sent += n > 0 ? (size_t)n : 0;
        }
        int flags = sent < message_size ? MSG_DONTWAIT : 0;
        ssize_t n = recv(fd, echoed + received, message_size - received, flags);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            die("recv", n == 0 ? ECONNRESET : errno);
        }
        received += n > 0 ? (size_t)n : 0;
    }
    if (memcmp(echoed, message, message_size) != 0) {
        die("the echo differs from the message", EPROTO);
    }
}

static void connect_to_path(size_t index, const char* path) {
    const struct sockaddr_un address = unix_address(path);
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr*)&address, sizeof address) != 0) {
        die("connect", errno);
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    connections[index].fd = fd;
}

static void connect_to_port(size_t index, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    struct timeval patience = {.tv_sec = 10};
    struct linger reset = {.l_onoff = 1};  // leaves no TIME_WAIT, which would use up the ports
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr*)&address, sizeof address) != 0) {
        die("connect", errno);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    connections[index].fd = fd;
}

/// Connects and checks in groups: the server has several to do whenever it is woken.
static void connect_all(const char* server) {
    enum { group = 128 };
    size_t sent[group];
    char* echoed = malloc(message_size);
    size_t count = connection_count + sleeper_count;
    for (size_t begin = 0; begin < count; begin += group) {
        size_t end = begin + group < count ? begin + group : count;
        for (size_t i = begin; i < end; ++i) {
            if (server[0] == '/') {
                connect_to_path(i, server);
            } else {
                connect_to_port(i, atoi(server));
            }
            sent[i - begin] = begin_check(connections[i].fd);
        }
        for (size_t i = begin; i < end; ++i) {
            end_check(connections[i].fd, sent[i - begin], echoed);
        }
    }
    free(echoed);
}

static void set_up_ring(void) {
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE,
        .cq_entries = 1024,
    };
    int result = io_uring_queue_init_params(128, &ring, &parameters);
    if (result < 0) {
        die("io_uring_queue_init", -result);
    }
    io_uring_register_ring_fd(&ring);
    buffer_size = message_size < 4096 ? 4096 : message_size;
    buffers = mmap(NULL, buffer_count * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE,
                   MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    buffer_memory = malloc(buffer_count * buffer_size);
    if (buffers == MAP_FAILED || buffer_memory == NULL) {
        die("memory", ENOMEM);
    }
    struct io_uring_buf_reg registration = {
        .ring_addr = (unsigned long long)(size_t)buffers,
        .ring_entries = buffer_count,
        .bgid = buffer_group,
    };
    result = io_uring_register_buf_ring(&ring, &registration, 0);
    if (result < 0) {
        die("io_uring_register_buf_ring", -result);
    }
    io_uring_buf_ring_init(buffers);
    for (unsigned id = 0; id < buffer_count; ++id) {
        recycle(id);
    }
    io_uring_buf_ring_advance(buffers, recycled);
    recycled = 0;
}

int main(int argc, char** argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: %s port-or-path connections message-size [server-pid [sleepers]]\n",
                argv[0]);
        return 2;
    }
    connection_count = (size_t)atoi(argv[2]);
    message_size = (size_t)atoi(argv[3]);
    if (connection_count == 0 || message_size == 0) {
        die("arguments", EINVAL);
    }
    watch_server(argc > 4 ? atoi(argv[4]) : 0);
    sleeper_count = argc > 5 ? (size_t)atoi(argv[5]) : 0;
    allow_descriptors();
    connections = calloc(connection_count + sleeper_count, sizeof *connections);
    starved = calloc(connection_count, sizeof *starved);
    message = malloc(message_size);
    if (connections == NULL || starved == NULL || message == NULL) {
        die("memory", ENOMEM);
    }
    for (size_t i = 0; i < message_size; ++i) {
        message[i] = (char)(' ' + (i * 31 + (i >> 8)) % 95);
    }
    message[message_size - 1] = '\n';
    connect_all(argv[1]);
    set_up_ring();
    for (size_t i = 0; i < connection_count; ++i) {
        arm_recv(i);
    }
    io_uring_submit(&ring);
    printf("ready\n");
    fflush(stdout);
    serve_bursts(start_all, run_for, run_out);
}

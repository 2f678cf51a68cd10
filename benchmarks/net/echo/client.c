// The closed-loop load: every connection sends one message, waits for the whole echo, repeats. One
// thread on io_uring (multishot recv, sends tried at once), so that the server is the one measured.
// The echo's bytes are compared once per connection before the load starts; under load they are
// counted and discarded in the kernel (MSG_TRUNC). Prints one JSON object.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum operation { op_recv, op_send, op_timeout };
enum { buffer_group = 0, buffer_count = 64, sub_buckets = 64, bucket_count = 64 * sub_buckets };

struct connection {
    int fd;
    bool sending;        // the rest of a message is with the ring
    size_t unsent;       // of the current message
    size_t missing;      // bytes of the echo still to come
    uint64_t started;    // when the current message was sent
};

static struct io_uring ring;
static struct io_uring_buf_ring* buffers;
static char* buffer_memory;
static size_t buffer_size;
static int recycled;
static struct connection* connections;
static size_t connection_count;
static char* message;
static size_t message_size;
static uint64_t histogram[bucket_count];  // latencies in ns, 64 buckets per power of two
static uint64_t requests;
static size_t* starved;  // a ring of connections whose recv ended for want of a buffer
static size_t starved_begin;
static size_t starved_count;

static void die(const char* what, int error) {
    fprintf(stderr, "echo_client: %s: %s\n", what, strerror(error));
    exit(1);
}

static uint64_t clock_ns(clockid_t clock) {
    struct timespec t;
    if (clock_gettime(clock, &t) != 0) {
        return 0;
    }
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static unsigned bucket_of(uint64_t ns) {
    if (ns < sub_buckets) {
        return (unsigned)ns;
    }
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - 6u;
    return (shift + 1) * sub_buckets + (unsigned)((ns >> shift) - sub_buckets);
}

static double bucket_middle(unsigned bucket) {
    if (bucket < sub_buckets) {
        return bucket;
    }
    unsigned shift = bucket / sub_buckets - 1;
    return ((double)(bucket % sub_buckets + sub_buckets) + 0.5) * (double)(1ull << shift);
}

static double percentile_us(double fraction) {
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
    ++histogram[bucket_of(now - connections[index].started)];
    ++requests;
    start_request(index, now);
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

/// Runs the load until the time has come.
static void run_for(double seconds) {
    struct __kernel_timespec timeout = {
        .tv_sec = (long long)seconds,
        .tv_nsec = (long long)((seconds - (double)(long long)seconds) * 1e9),
    };
    struct io_uring_sqe* sqe = next_sqe();
    io_uring_prep_timeout(sqe, &timeout, 0, 0);
    sqe->user_data = tag(op_timeout, 0);
    for (bool running = true; running;) {
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
            case op_recv: on_recv(index, cqe->res, cqe->flags); break;
            case op_send: on_send(index, cqe->res); break;
            case op_timeout: running = false; break;
            }
        }
        io_uring_buf_ring_advance(buffers, recycled);
        recycled = 0;
        io_uring_cq_advance(&ring, seen);
    }
}

/// One echo with plain calls: the connection is accepted and the server returns what it got.
static void check_echo(int fd) {
    size_t sent = 0;
    size_t received = 0;
    char* echoed = malloc(message_size);
    while (received < message_size) {
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
    free(echoed);
}

static void connect_all(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    struct timeval patience = {.tv_sec = 10};
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (size_t i = 0; i < connection_count; ++i) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr*)&address, sizeof address) != 0) {
            die("connect", errno);
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        connections[i].fd = fd;
    }
    for (size_t i = 0; i < connection_count; ++i) {
        check_echo(connections[i].fd);
    }
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

static void measure(double seconds, pid_t server) {
    // Kernel: the CPU clock of any process, to the nanosecond, clock_getcpuclockid(3).
    clockid_t server_clock = CLOCK_PROCESS_CPUTIME_ID;
    bool has_server = server > 0 && clock_getcpuclockid(server, &server_clock) == 0;
    run_for(seconds * 0.2);
    memset(histogram, 0, sizeof histogram);
    requests = 0;
    uint64_t began = clock_ns(CLOCK_MONOTONIC);
    uint64_t own_began = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t server_began = clock_ns(server_clock);
    run_for(seconds);
    double elapsed = (double)(clock_ns(CLOCK_MONOTONIC) - began) / 1e9;
    double own = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own_began) / 1e9;
    double theirs = (double)(clock_ns(server_clock) - server_began) / 1e9;
    printf("{\"requests\": %llu, \"seconds\": %.6f, \"p50_us\": %.3f, \"p99_us\": %.3f, "
           "\"client_cpu\": %.6f",
           (unsigned long long)requests, elapsed, percentile_us(0.50), percentile_us(0.99), own);
    if (has_server) {
        printf(", \"server_cpu\": %.6f", theirs);
    }
    printf("}\n");
}

int main(int argc, char** argv) {
    if (argc < 5) {
        fprintf(stderr, "usage: %s port connections message-size seconds [server-pid]\n", argv[0]);
        return 2;
    }
    connection_count = (size_t)atoi(argv[2]);
    message_size = (size_t)atoi(argv[3]);
    double seconds = atof(argv[4]);
    pid_t server = argc > 5 ? atoi(argv[5]) : 0;
    if (connection_count == 0 || message_size == 0 || seconds <= 0) {
        die("arguments", EINVAL);
    }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    connections = calloc(connection_count, sizeof *connections);
    starved = calloc(connection_count, sizeof *starved);
    message = malloc(message_size);
    if (connections == NULL || starved == NULL || message == NULL) {
        die("memory", ENOMEM);
    }
    for (size_t i = 0; i < message_size; ++i) {
        message[i] = (char)(i * 31 + (i >> 8));
    }
    connect_all(atoi(argv[1]));
    set_up_ring();
    for (size_t i = 0; i < connection_count; ++i) {
        arm_recv(i);
    }
    io_uring_submit(&ring);
    for (size_t i = 0; i < connection_count; ++i) {
        start_request(i, clock_ns(CLOCK_MONOTONIC));
    }
    measure(seconds, server);
}

// The echo server everything else is measured against: plain C on liburing, nothing generic, every
// trick that a measurement argued for. Multishot accept and recv fill a small set of hot buffers;
// what arrives is sent back at once with send(2), and only what the socket does not take is copied
// aside and handed to the ring. A connection that lets its output pile up is not read from.
//
// With --together 1 sends go into the ring, straight from the buffer that was received: some twenty
// of them share an entry into the kernel. Which of the two is the limit depends on what a system
// call costs, so both are measured.
//
// With --patience it has one coarse timer, however many connections: each tick of a second counts
// one up for every connection, a message sets its count to zero, and who counts too far is let go.
//
// Kernel: a recv armed on a socket with data takes its buffer while it is submitted. Arming every
// connection that met -ENOBUFS at once therefore ends in -ENOBUFS for most of them again, for good;
// they queue up instead and a few are armed per turn.
//
// Measured: the kernel delivers some twenty completions in a turn. 24 buffers just outlast that and
// cycle through the least cache; 16 cost 1.1-1.3 of the CPU, 32 cost 1.05 at 16 KiB. 64 bytes
// between them keep large ones out of each other's cache sets.
#define _GNU_SOURCE
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum operation { op_accept, op_recv, op_send, op_echo, op_cancel, op_tick };
enum { buffer_group = 0, ring_entries = 64, high_water = 256 * 1024 };

/// One accepted socket. It is closed once the peer has ended and nothing is in flight for it.
struct connection {
    char* out;  // bytes the socket has not taken yet: [out_begin, out_end)
    size_t out_begin;
    size_t out_end;
    size_t out_capacity;
    int silent;      // ticks since something came
    bool receiving;  // the multishot recv is armed
    bool pausing;    // its cancel is under way
    bool sending;    // a send from out is in flight
    bool starved;    // the recv ended for want of a buffer: queued to be armed again
    bool ended;      // end of stream or an error: read no more
};

static struct io_uring ring;
static struct io_uring_buf_ring* buffers;
static char* buffer_memory;
static unsigned buffer_size;    // a message's
static unsigned buffer_stride;  // from one to the next
static unsigned buffer_count = 24;
static bool together;
static int recycled;  // buffers given back in this turn, not yet shown to the kernel
static int listener;
static struct connection* connections;  // indexed by descriptor
static size_t connection_limit;
static int* starved;  // a ring of descriptors, as long as connections
static size_t starved_begin;
static size_t starved_count;
static int patience;      // in ticks; 0: without end
static int highest = -1;  // descriptor of a connection so far

static void die(const char* what, int error) {
    fprintf(stderr, "limit_server: %s: %s\n", what, strerror(error));
    exit(1);
}

static void publish_buffers(void) {
    io_uring_buf_ring_advance(buffers, recycled);
    recycled = 0;
}

static void recycle(unsigned id) {
    io_uring_buf_ring_add(buffers, buffer_memory + (size_t)id * buffer_stride, buffer_size,
                          (unsigned short)id, io_uring_buf_ring_mask(ring_entries), recycled);
    ++recycled;
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

static unsigned long long tag(enum operation op, int fd) {
    return (unsigned long long)(unsigned)fd << 3 | op;
}

enum { buffer_shift = 48 };  // of the id in the tag of an op_echo

static void arm_accept(void) {
    struct io_uring_sqe* sqe = next_sqe();
    io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
    sqe->user_data = tag(op_accept, listener);
}

static void arm_recv(int fd) {
    struct io_uring_sqe* sqe = next_sqe();
    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = buffer_group;
    sqe->user_data = tag(op_recv, fd);
    connections[fd].receiving = true;
}

static void pause_recv(int fd) {
    struct io_uring_sqe* sqe = next_sqe();
    io_uring_prep_cancel64(sqe, tag(op_recv, fd), 0);
    sqe->user_data = tag(op_cancel, fd);
    connections[fd].pausing = true;
}

static void start_send(int fd) {
    struct connection* c = &connections[fd];
    struct io_uring_sqe* sqe = next_sqe();
    io_uring_prep_send(sqe, fd, c->out + c->out_begin, c->out_end - c->out_begin,
                       MSG_NOSIGNAL | MSG_WAITALL);
    sqe->user_data = tag(op_send, fd);
    c->sending = true;
}

/// Sends what is in a buffer, which is given back when that is done.
static void send_buffer(int fd, unsigned id, size_t length) {
    struct io_uring_sqe* sqe = next_sqe();
    io_uring_prep_send(sqe, fd, buffer_memory + (size_t)id * buffer_stride, length,
                       MSG_NOSIGNAL | MSG_WAITALL);
    sqe->user_data = tag(op_echo, fd) | (unsigned long long)id << buffer_shift;
    connections[fd].sending = true;
}

static void close_if_idle(int fd) {
    struct connection* c = &connections[fd];
    if (c->ended && !c->receiving && !c->sending && !c->pausing && !c->starved) {
        free(c->out);
        memset(c, 0, sizeof *c);
        close(fd);
    }
}

/// Gives up on a connection: shutting down makes what is in flight complete.
static void fail(int fd) {
    struct connection* c = &connections[fd];
    c->ended = true;
    c->out_begin = c->out_end = 0;
    shutdown(fd, SHUT_RDWR);
}

/// Keeps what the socket did not take. While a send is in flight its bytes must not move, so the
/// caller starts the next send only from on_send.
static void keep(int fd, const char* data, size_t length) {
    struct connection* c = &connections[fd];
    if (c->out_end + length > c->out_capacity) {
        if (c->out_capacity > 0) {
            die("output grew past its limit", ENOBUFS);
        }
        size_t capacity = 2 * (size_t)high_water + (size_t)buffer_count * buffer_size;
        c->out = malloc(capacity);
        if (c->out == NULL) {
            die("malloc", ENOMEM);
        }
        c->out_capacity = capacity;
    }
    memcpy(c->out + c->out_end, data, length);
    c->out_end += length;
}

static void arm_tick(void) {
    static struct __kernel_timespec second = {.tv_sec = 1};
    struct io_uring_sqe* sqe = next_sqe();
    io_uring_prep_timeout(sqe, &second, 0, 0);
    sqe->user_data = tag(op_tick, 0);
}

static void on_tick(void) {
    for (int fd = 0; fd <= highest; ++fd) {
        struct connection* c = &connections[fd];
        if (++c->silent > patience && c->receiving && !c->ended) {
            fail(fd);
        }
    }
    arm_tick();
}

static void on_accept(int result, unsigned flags) {
    if (result >= 0) {
        int one = 1;
        if ((size_t)result >= connection_limit) {
            close(result);
        } else {
            setsockopt(result, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            highest = result > highest ? result : highest;
            arm_recv(result);
        }
    } else if (result != -ECONNABORTED && result != -EINTR) {
        die("accept", -result);
    }
    if (!(flags & IORING_CQE_F_MORE)) {
        arm_accept();
    }
}

/// True when the buffer can be given back at once.
static inline bool echo(int fd, unsigned id, size_t length) {
    struct connection* c = &connections[fd];
    const char* data = buffer_memory + (size_t)id * buffer_stride;
    if (together && !c->sending) {
        send_buffer(fd, id, length);
        return false;
    }
    if (c->out_end == 0 && !c->sending) {
        ssize_t sent = send(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if ((size_t)sent == length) {
            return true;
        }
        if (sent < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                fail(fd);
                return true;
            }
            sent = 0;
        }
        keep(fd, data + sent, length - (size_t)sent);
        start_send(fd);
    } else {
        keep(fd, data, length);
    }
    if (c->out_end - c->out_begin > high_water && c->receiving && !c->pausing) {
        pause_recv(fd);
    }
    return true;
}

/// Arms the recv unless there is a reason to wait; who takes the reason away calls again.
static void resume_recv(int fd) {
    struct connection* c = &connections[fd];
    if (!c->receiving && !c->pausing && !c->starved && c->out_end - c->out_begin <= high_water) {
        arm_recv(fd);
    }
}

/// Arms so few that there are buffers for them and for what the kernel delivers beside them.
static void feed_starved(void) {
    for (unsigned i = 0; i < buffer_count / 2 && starved_count > 0; ++i, --starved_count) {
        int fd = starved[starved_begin];
        starved_begin = (starved_begin + 1) % connection_limit;
        connections[fd].starved = false;
        if (connections[fd].ended) {
            close_if_idle(fd);
        } else {
            resume_recv(fd);
        }
    }
}

static inline void on_recv(int fd, int result, unsigned flags) {
    struct connection* c = &connections[fd];
    if (!(flags & IORING_CQE_F_MORE)) {
        c->receiving = false;
    }
    if (flags & IORING_CQE_F_BUFFER) {
        unsigned id = flags >> IORING_CQE_BUFFER_SHIFT;
        c->silent = 0;
        if (result <= 0 || c->ended || echo(fd, id, (size_t)result)) {
            recycle(id);
        }
    }
    if (c->receiving && result > 0) {
        return;
    }
    if (result == 0) {
        c->ended = true;
    } else if (result < 0 && result != -ENOBUFS && result != -ECANCELED && result != -EINTR) {
        fail(fd);
    }
    if (c->ended) {
        close_if_idle(fd);
    } else if (result == -ENOBUFS) {
        c->starved = true;
        starved[(starved_begin + starved_count++) % connection_limit] = fd;
    } else {
        resume_recv(fd);
    }
}

static void on_send(int fd, int result) {
    struct connection* c = &connections[fd];
    c->sending = false;
    if (result < 0 && result != -EINTR && result != -EAGAIN) {
        fail(fd);
    } else if (result > 0) {
        c->out_begin += (size_t)result;
    }
    if (c->out_begin < c->out_end) {
        memmove(c->out, c->out + c->out_begin, c->out_end - c->out_begin);
        c->out_end -= c->out_begin;
        c->out_begin = 0;
        start_send(fd);
    } else {
        c->out_begin = c->out_end = 0;
    }
    if (c->ended) {
        close_if_idle(fd);
    } else {
        resume_recv(fd);
    }
}

static void on_echo(int fd, unsigned id, int result) {
    struct connection* c = &connections[fd];
    recycle(id);
    c->sending = false;
    if (result < 0) {
        fail(fd);  // MSG_WAITALL: otherwise all of it is sent
    } else if (c->out_end > 0) {
        start_send(fd);
    }
    if (c->ended) {
        close_if_idle(fd);
    } else if (!c->receiving) {
        resume_recv(fd);
    }
}

static void on_cancel(int fd) {
    struct connection* c = &connections[fd];
    c->pausing = false;
    if (c->ended) {
        close_if_idle(fd);
    } else {
        resume_recv(fd);
    }
}

static void set_up_listener(int port, const char* path) {
    if (path != NULL) {
        listener = listen_at(path, SOCK_CLOEXEC);
        if (listener < 0) {
            die(path, errno);
        }
        return;
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    socklen_t length = sizeof address;
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0) {
        die("socket", errno);
    }
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr*)&address, sizeof address) != 0) {
        die("bind", errno);
    }
    if (listen(listener, server_backlog) != 0) {
        die("listen", errno);
    }
    getsockname(listener, (struct sockaddr*)&address, &length);
    say_listening(ntohs(address.sin_port));
}

static void set_up_ring(void) {
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE,
        .cq_entries = 1024,
    };
    int result = io_uring_queue_init_params(128, &ring, &parameters);
    if (result < 0) {
        die("io_uring_queue_init (kernel 6.1 or newer? io_uring forbidden?)", -result);
    }
    io_uring_register_ring_fd(&ring);  // refused by some kernels: the plain descriptor does too
}

static void set_up_buffers(size_t size) {
    buffer_size = size < 64 ? 64 : (unsigned)size;
    buffer_stride = (buffer_size + 63) / 64 * 64 + 64;
    size_t entries = ring_entries * sizeof(struct io_uring_buf);
    size_t bytes = (size_t)buffer_count * buffer_stride;
    buffers = mmap(NULL, entries, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    buffer_memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (buffers == MAP_FAILED || buffer_memory == MAP_FAILED) {
        die("mmap", errno);
    }
    struct io_uring_buf_reg registration = {
        .ring_addr = (unsigned long long)(size_t)buffers,
        .ring_entries = ring_entries,
        .bgid = buffer_group,
    };
    int result = io_uring_register_buf_ring(&ring, &registration, 0);
    if (result < 0) {
        die("io_uring_register_buf_ring", -result);
    }
    io_uring_buf_ring_init(buffers);
    for (unsigned id = 0; id < buffer_count; ++id) {
        recycle(id);
    }
    publish_buffers();
}

static void set_up_connections(void) {
    connection_limit = allow_descriptors();
    connections = calloc(connection_limit, sizeof *connections);
    starved = calloc(connection_limit, sizeof *starved);
    if (connections == NULL || starved == NULL) {
        die("calloc", ENOMEM);
    }
}

static void serve(void) {
    arm_accept();
    if (patience > 0) {
        arm_tick();
    }
    for (;;) {
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
            int fd = (int)(cqe->user_data >> 3 & 0x7fffffff);
            ++seen;
            switch ((enum operation)(cqe->user_data & 7)) {
                case op_recv:
                    on_recv(fd, cqe->res, cqe->flags);
                    break;
                case op_accept:
                    on_accept(cqe->res, cqe->flags);
                    break;
                case op_send:
                    on_send(fd, cqe->res);
                    break;
                case op_echo:
                    on_echo(fd, (unsigned)(cqe->user_data >> buffer_shift), cqe->res);
                    break;
                case op_cancel:
                    on_cancel(fd);
                    break;
                case op_tick:
                    on_tick();
                    break;
            }
        }
        publish_buffers();
        io_uring_cq_advance(&ring, seen);
    }
}

int main(int argc, char** argv) {
    struct server_options options = read_options(argc, argv);
    together = options.together == 1;
    patience = options.patience;
    if (together) {
        buffer_count = 48;  // one half is being sent while the other is filled
    }
    set_up_connections();
    set_up_ring();
    set_up_buffers(options.size);
    set_up_listener(options.port, options.path);
    serve();
}

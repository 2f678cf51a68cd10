// The UDP echo server everything else is measured against: plain C on liburing. A multishot recvmsg
// on each socket fills a set of buffers with a datagram, its sender and its length; what arrives is
// sent back at once by sendto(2), or with --together 1 by a SENDMSG that leaves with the next entry
// into the kernel, straight from the buffer. A datagram for which there is no room is lost.
#define _GNU_SOURCE
#include "server.h"

#include <liburing.h>
#include <stdbool.h>
#include <sys/mman.h>

enum operation { op_receive, op_send };
enum { buffer_group = 0, buffer_count = 128, buffer_stride = 1664 };

/// What a send in flight refers to; there is one for each buffer.
struct reply {
    struct msghdr header;
    struct iovec part;
};

static struct io_uring ring;
static struct io_uring_buf_ring* buffers;
static char* buffer_memory;
static int recycled;  // buffers given back in this turn, not yet shown to the kernel
static struct msghdr shape = {.msg_namelen = sizeof(struct sockaddr_in)};  // of what is received
static struct reply replies[buffer_count];
static int fds[sockets_max];
static bool together;

static void recycle(unsigned id) {
    io_uring_buf_ring_add(buffers, buffer_memory + (size_t)id * buffer_stride, buffer_stride,
                          (unsigned short)id, io_uring_buf_ring_mask(buffer_count), recycled);
    ++recycled;
}

static struct io_uring_sqe* next_sqe(void) {
    struct io_uring_sqe* sqe;
    while ((sqe = io_uring_get_sqe(&ring)) == NULL) {
        const int result = io_uring_submit(&ring);
        if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) {
            die("submit", -result);
        }
    }
    return sqe;
}

static void arm(unsigned index) {
    struct io_uring_sqe* const sqe = next_sqe();
    io_uring_prep_recvmsg_multishot(sqe, fds[index], &shape, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = buffer_group;
    sqe->user_data = (unsigned long long)index << 1 | op_receive;
}

static void send_with_others(unsigned index, unsigned id, struct io_uring_recvmsg_out* got,
                             size_t size) {
    struct reply* const reply = &replies[id];
    reply->part = (struct iovec){io_uring_recvmsg_payload(got, &shape), size};
    reply->header = (struct msghdr){.msg_name = io_uring_recvmsg_name(got),
                                    .msg_namelen = got->namelen,
                                    .msg_iov = &reply->part,
                                    .msg_iovlen = 1};
    struct io_uring_sqe* const sqe = next_sqe();
    io_uring_prep_sendmsg(sqe, fds[index], &reply->header, 0);
    sqe->user_data = (unsigned long long)id << 1 | op_send;
}

/// True when the buffer can be given back at once.
static inline bool echo(unsigned index, unsigned id, int length) {
    struct io_uring_recvmsg_out* const got =
        io_uring_recvmsg_validate(buffer_memory + (size_t)id * buffer_stride, length, &shape);
    if (got == NULL) {
        return true;
    }
    const size_t size = io_uring_recvmsg_payload_length(got, length, &shape);
    if (together) {
        send_with_others(index, id, got, size);
        return false;
    }
    sendto(fds[index], io_uring_recvmsg_payload(got, &shape), size, MSG_DONTWAIT,
           io_uring_recvmsg_name(got), got->namelen);
    return true;
}

static inline void on_receive(unsigned index, int result, unsigned flags) {
    if (flags & IORING_CQE_F_BUFFER) {
        const unsigned id = flags >> IORING_CQE_BUFFER_SHIFT;
        if (result < 0 || echo(index, id, result)) {
            recycle(id);
        }
    }
    if (!(flags & IORING_CQE_F_MORE)) {
        if (result < 0 && result != -ENOBUFS) {
            die("recvmsg", -result);
        }
        arm(index);
    }
}

static void publish_buffers(void) {
    io_uring_buf_ring_advance(buffers, recycled);
    recycled = 0;
}

static void set_up_buffers(void) {
    buffers = mmap(NULL, buffer_count * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE,
                   MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    buffer_memory = malloc((size_t)buffer_count * buffer_stride);
    if (buffers == MAP_FAILED || buffer_memory == NULL) {
        die("memory", ENOMEM);
    }
    struct io_uring_buf_reg registration = {.ring_addr = (unsigned long long)(size_t)buffers,
                                            .ring_entries = buffer_count,
                                            .bgid = buffer_group};
    const int result = io_uring_register_buf_ring(&ring, &registration, 0);
    if (result < 0) {
        die("io_uring_register_buf_ring", -result);
    }
    io_uring_buf_ring_init(buffers);
    for (unsigned id = 0; id < buffer_count; ++id) {
        recycle(id);
    }
    publish_buffers();
}

static void set_up_ring(void) {
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE,
        .cq_entries = 1024,
    };
    const int result = io_uring_queue_init_params(128, &ring, &parameters);
    if (result < 0) {
        die("io_uring_queue_init (kernel 6.1 or newer? io_uring forbidden?)", -result);
    }
    io_uring_register_ring_fd(&ring);  // refused by some kernels: the plain descriptor does too
}

static void serve(void) {
    for (;;) {
        const int result = io_uring_submit_and_wait(&ring, 1);
        if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) {
            die("submit_and_wait", -result);
        }
        struct io_uring_cqe* cqe;
        unsigned head;
        unsigned seen = 0;
        io_uring_for_each_cqe(&ring, head, cqe) {
            const unsigned number = (unsigned)(cqe->user_data >> 1);
            ++seen;
            if ((cqe->user_data & 1) == op_receive) {
                on_receive(number, cqe->res, cqe->flags);
            } else {
                recycle(number);  // sent, or lost
            }
        }
        publish_buffers();
        io_uring_cq_advance(&ring, seen);
    }
}

int main(int argc, char** argv) {
    const struct server_options options = read_options(argc, argv);
    together = options.together == 1;
    set_up_ring();
    set_up_buffers();
    for (int i = 0; i < options.sockets; ++i) {
        fds[i] = bound_socket(0);
        arm((unsigned)i);
    }
    say_listening(fds, options.sockets);
    serve();
}

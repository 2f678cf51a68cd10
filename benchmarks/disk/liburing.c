// The limit of the disk benchmarks: liburing in C. Entries are submitted and completions reaped in
// batches, one kernel entry for both; user_data is the number of a slot.
#define _GNU_SOURCE
#include "disk.h"

#include <liburing.h>

struct slot {
    char* buffer;
    uint64_t offset;  // of the block that is copied
    size_t length;
    size_t filled;   // bytes read of it
    size_t written;  // bytes written of it
};

static struct io_uring ring;
static struct slot slots[read_depth];

static void set_up_ring(void) {
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL,
    };
    const int result = io_uring_queue_init_params(read_depth, &ring, &parameters);
    if (result < 0) {
        die("io_uring_queue_init (kernel 6.1 or newer? io_uring forbidden?)", -result);
    }
    io_uring_register_ring_fd(&ring);  // refused by some kernels: the plain descriptor does too
}

static void set_up_slots(unsigned count, size_t size) {
    for (unsigned i = 0; i < count; ++i) {
        slots[i].buffer = aligned_memory(size);
    }
}

static void submit_and_wait(void) {
    const int result = io_uring_submit_and_wait(&ring, 1);
    if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) {
        die("io_uring_submit_and_wait", -result);
    }
}

static inline uint64_t next_offset(struct job* job) {
    static uint64_t next;
    if (!job->forward) {
        return next_page(job);
    }
    const uint64_t offset = next;
    next = next + forward_size < job->size ? next + forward_size : 0;
    return offset;
}

static inline void prepare_request(struct job* job, unsigned i) {
    struct io_uring_sqe* const sqe = io_uring_get_sqe(&ring);
    const unsigned size = (unsigned)request_size(job);
    const uint64_t offset = next_offset(job);
    if (job->writes) {
        io_uring_prep_write(sqe, job->source, slots[i].buffer, size, offset);
    } else {
        io_uring_prep_read(sqe, job->source, slots[i].buffer, size, offset);
    }
    sqe->user_data = i;
}

static void read_or_write(struct job* job) {
    const int size = (int)request_size(job);
    uint64_t missing = job->reads;
    uint64_t to_start = job->reads;
    for (unsigned i = 0; i < job->depth && to_start > 0; ++i, --to_start) {
        prepare_request(job, i);
    }
    while (missing > 0) {
        submit_and_wait();
        struct io_uring_cqe* cqe;
        unsigned head;
        unsigned seen = 0;
        io_uring_for_each_cqe(&ring, head, cqe) {
            if (cqe->res != size) {
                die("read or write", cqe->res < 0 ? -cqe->res : EIO);
            }
            if (to_start > 0) {
                --to_start;
                prepare_request(job, (unsigned)cqe->user_data);
            }
            ++seen;
        }
        io_uring_cq_advance(&ring, seen);
        missing -= seen;
    }
}

/// Reads what is missing of a slot's block, or else writes what was read.
static void prepare_copy(struct job* job, unsigned i) {
    struct slot* const slot = &slots[i];
    struct io_uring_sqe* const sqe = io_uring_get_sqe(&ring);
    if (slot->filled < slot->length) {
        io_uring_prep_read(sqe, job->source, slot->buffer + slot->filled,
                           (unsigned)(slot->length - slot->filled), slot->offset + slot->filled);
    } else {
        io_uring_prep_write(sqe, job->target, slot->buffer + slot->written,
                            (unsigned)(slot->length - slot->written), slot->offset + slot->written);
    }
    sqe->user_data = i;
}

static bool next_block(struct job* job, unsigned i, uint64_t* next) {
    if (*next >= job->size) {
        return false;
    }
    struct slot* const slot = &slots[i];
    slot->offset = *next;
    slot->length = block_length(job, *next);
    slot->filled = slot->written = 0;
    *next += slot->length;
    prepare_copy(job, i);
    return true;
}

static void copy(struct job* job) {
    uint64_t next = 0;
    unsigned busy = 0;
    while (busy < copy_depth && next_block(job, busy, &next)) {
        ++busy;
    }
    while (busy > 0) {
        submit_and_wait();
        struct io_uring_cqe* cqe;
        unsigned head;
        unsigned seen = 0;
        io_uring_for_each_cqe(&ring, head, cqe) {
            const unsigned i = (unsigned)cqe->user_data;
            struct slot* const slot = &slots[i];
            if (cqe->res <= 0) {
                die("copy", cqe->res < 0 ? -cqe->res : EIO);
            }
            if (slot->filled < slot->length) {
                slot->filled += (size_t)cqe->res;
            } else {
                slot->written += (size_t)cqe->res;
            }
            if (slot->written < slot->length) {
                prepare_copy(job, i);
            } else if (!next_block(job, i, &next)) {
                --busy;
            }
            ++seen;
        }
        io_uring_cq_advance(&ring, seen);
    }
}

int main(int argc, char** argv) {
    struct job job = read_job(argc, argv);
    set_up_ring();
    set_up_slots(job.copies ? copy_depth : job.depth, job.copies ? block_size : request_size(&job));
    job.clocks = start_clocks();
    if (job.copies) {
        copy(&job);
    } else {
        read_or_write(&job);
    }
    print_result(&job);
}

// The disk benchmarks as a loop without io_uring does files: a pool of 4 threads with pread(2) and
// pwrite(2). One thread gives out requests, 32 or 8 at a time, and takes back what is done; both
// ways whole batches are taken under one lock.
#define _GNU_SOURCE
#include "disk.h"

#include <pthread.h>

enum { threads = 4 };

struct request {
    struct request* next;
    char* buffer;
    uint64_t offset;
    size_t length;
};

struct queue {
    struct request* first;
    struct request** last;
    pthread_cond_t filled;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct queue wanted = {NULL, &wanted.first, PTHREAD_COND_INITIALIZER};
static struct queue done = {NULL, &done.first, PTHREAD_COND_INITIALIZER};
static struct request requests[read_depth];
static struct job job;

static void push(struct queue* queue, struct request* request) {
    request->next = NULL;
    *queue->last = request;
    queue->last = &request->next;
}

static void carry_out(const struct request* request) {
    for (size_t filled = 0; filled < request->length;) {
        const ssize_t received = pread(job.source, request->buffer + filled,
                                       request->length - filled, (off_t)(request->offset + filled));
        if (received <= 0) {
            die("pread", received < 0 ? errno : EIO);
        }
        filled += (size_t)received;
    }
    for (size_t written = 0; job.copies && written < request->length;) {
        const ssize_t sent = pwrite(job.target, request->buffer + written,
                                    request->length - written, (off_t)(request->offset + written));
        if (sent < 0) {
            die("pwrite", errno);
        }
        written += (size_t)sent;
    }
}

static void* worker(void* unused) {
    pthread_mutex_lock(&lock);
    for (;;) {
        struct request* const request = wanted.first;
        if (request == NULL) {
            pthread_cond_wait(&wanted.filled, &lock);
            continue;
        }
        wanted.first = request->next;
        if (wanted.first == NULL) {
            wanted.last = &wanted.first;
        }
        pthread_mutex_unlock(&lock);
        carry_out(request);
        pthread_mutex_lock(&lock);
        const bool alone = done.first == NULL;
        push(&done, request);
        if (alone) {
            pthread_cond_signal(&done.filled);
        }
    }
    return unused;
}

/// Fills in the next request; false when there is none.
static bool choose(struct request* request, uint64_t* progress) {
    if (*progress >= (job.copies ? job.size : job.reads)) {
        return false;
    }
    request->offset = job.copies ? *progress : next_page(&job);
    request->length = job.copies ? block_length(&job, *progress) : page_size;
    *progress += job.copies ? request->length : 1;
    return true;
}

static void work(void) {
    uint64_t progress = 0;
    unsigned busy = 0;
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < (job.copies ? copy_depth : read_depth); ++i) {
        if (choose(&requests[i], &progress)) {
            push(&wanted, &requests[i]);
            ++busy;
        }
    }
    pthread_cond_broadcast(&wanted.filled);
    while (busy > 0) {
        while (done.first == NULL) {
            pthread_cond_wait(&done.filled, &lock);
        }
        const bool starving = wanted.first == NULL;
        struct request* request = done.first;
        done.first = NULL;
        done.last = &done.first;
        while (request != NULL) {
            struct request* const next = request->next;
            if (choose(request, &progress)) {
                push(&wanted, request);
            } else {
                --busy;
            }
            request = next;
        }
        if (starving) {
            pthread_cond_broadcast(&wanted.filled);
        }
    }
    pthread_mutex_unlock(&lock);
}

int main(int argc, char** argv) {
    job = read_job(argc, argv);
    for (unsigned i = 0; i < (job.copies ? copy_depth : read_depth); ++i) {
        requests[i].buffer = aligned_memory(job.copies ? block_size : page_size);
    }
    for (int i = 0; i < threads; ++i) {
        pthread_t thread;
        const int error = pthread_create(&thread, NULL, worker, NULL);
        if (error != 0) {
            die("pthread_create", error);
        }
        pthread_detach(thread);
    }
    job.clocks = start_clocks();
    work();
    print_result(&job);
}

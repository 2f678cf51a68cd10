// The limit of the thread pools: a queue, a mutex and a condition, written by hand; a futex for
// each job.
//
//     pools_threads thread N     a job to the one thread and its result back, one after the other
//     pools_threads threads N    N times 10,000 jobs to two threads, then all results
#define _GNU_SOURCE
#include "../harness/job.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { together = 10000, most_workers = 2 };

enum { queued, awaited, done };  // the states of a job; awaited: its thread sleeps

struct job {
    int (*function)(int);
    int number;  // the argument, then the result
    atomic_uint state;
    struct job* next;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static struct job* first;
static struct job** end = &first;
static bool is_stopping;

static int next_number(int x) { return x + 1; }
static int (*volatile function)(int) = next_number;  // nobody knows which it is

static struct job* take(void) {
    pthread_mutex_lock(&mutex);
    while (first == NULL && !is_stopping) {
        pthread_cond_wait(&work, &mutex);
    }
    struct job* const job = first;
    if (job != NULL) {
        first = job->next;
        end = first == NULL ? &first : end;
    }
    pthread_mutex_unlock(&mutex);
    return job;
}

static void* run(void* unused) {
    for (struct job* job = take(); job != NULL; job = take()) {
        job->number = job->function(job->number);
        // The job may be gone then; to wake a place where nobody sleeps does no harm.
        if (atomic_exchange(&job->state, done) == awaited) {
            syscall(SYS_futex, &job->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
        }
    }
    return unused;
}

static void submit(struct job* job, int number) {
    job->function = function;
    job->number = number;
    job->next = NULL;
    atomic_init(&job->state, queued);
    pthread_mutex_lock(&mutex);
    *end = job;
    end = &job->next;
    pthread_mutex_unlock(&mutex);
    pthread_cond_signal(&work);
}

static int result(struct job* job) {
    unsigned state = queued;
    if (atomic_compare_exchange_strong(&job->state, &state, awaited)) {
        while (atomic_load(&job->state) != done) {
            syscall(SYS_futex, &job->state, FUTEX_WAIT_PRIVATE, awaited, NULL, NULL, 0);
        }
    }
    return job->number;
}

static void in_turns(uint64_t count) {
    struct job job;
    submit(&job, 0);
    int number = result(&job);
    const struct job_clocks clocks = start_clocks();
    for (uint64_t i = 0; i < count; ++i) {
        submit(&job, number);
        number = result(&job);
    }
    print_job(clocks, count, -1);
    if ((uint64_t)number != count + 1) {
        die("thread", EIO);
    }
}

static void all_together(struct job* jobs) {
    for (int i = 0; i < together; ++i) {
        submit(&jobs[i], i);
    }
    for (int i = 0; i < together; ++i) {
        if (result(&jobs[i]) != i + 1) {
            die("threads", EIO);
        }
    }
}

static void many(uint64_t count) {
    struct job* const jobs = calloc(together, sizeof *jobs);
    if (jobs == NULL) {
        die("calloc", ENOMEM);
    }
    all_together(jobs);
    const struct job_clocks clocks = start_clocks();
    for (uint64_t i = 0; i < count; ++i) {
        all_together(jobs);
    }
    print_job(clocks, count * together, -1);
    free(jobs);
}

int main(int argc, char** argv) {
    const uint64_t count = number_argument(argc, argv, 2);
    const bool is_one = strcmp(argv[1], "thread") == 0;
    const int workers = is_one ? 1 : most_workers;
    pthread_t threads[most_workers];
    for (int i = 0; i < workers; ++i) {
        const int error = pthread_create(&threads[i], NULL, run, NULL);
        if (error != 0) {
            die("pthread_create", error);
        }
    }
    if (is_one) {
        in_turns(count);
    } else {
        many(count);
    }
    pthread_mutex_lock(&mutex);
    is_stopping = true;
    pthread_cond_broadcast(&work);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < workers; ++i) {
        pthread_join(threads[i], NULL);
    }
}

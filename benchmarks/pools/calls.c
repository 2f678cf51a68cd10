// The limit of the process pools: processes that talk over socket pairs, and do nothing else.
//
//     pools_calls call N            the bytes of a call to another process, those of its answer
//     back pools_calls call N manager    the same, where another thread of the caller takes the
//     answer pools_calls map N             a million numbers to two processes in eight portions, as
//     many back pools_calls bytes N           1 MiB there, 1 MiB back
#define _GNU_SOURCE
#include "../harness/job.h"

#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    call_size = 49,  // of ringio's pool: a header, two addresses of code, an int
    answer_size = 28,
    text_size = 1 << 20,
    workers = 2,
    numbers = 1000000,
    portions = 4 * workers,  // multiprocessing.Pool's rule
    portion = numbers / portions,
};

struct worker {
    pid_t pid;
    int socket;
};

static int next_number(int x) { return x + 1; }
static int (*volatile function)(int) = next_number;  // nobody knows which it is

static char* make_buffer(size_t size) {
    char* const buffer = malloc(size);
    if (buffer == NULL) {
        die("malloc", ENOMEM);
    }
    memset(buffer, 'x', size);
    return buffer;
}

static void send_all(int socket, const char* bytes, size_t size) {
    while (size > 0) {
        const ssize_t sent = send(socket, bytes, size, MSG_NOSIGNAL);
        if (sent < 0) {
            die("send", errno);
        }
        bytes += sent;
        size -= (size_t)sent;
    }
}

/// False at the end of what the other side says.
static bool receive_all(int socket, char* bytes, size_t size) {
    while (size > 0) {
        const ssize_t got = recv(socket, bytes, size, 0);
        if (got < 0) {
            die("recv", errno);
        }
        if (got == 0) {
            return false;
        }
        bytes += got;
        size -= (size_t)got;
    }
    return true;
}

static void serve_calls(int socket) {
    char call[call_size];
    char answer[answer_size] = {0};
    while (receive_all(socket, call, sizeof call)) {
        int number;
        memcpy(&number, call + sizeof call - sizeof number, sizeof number);
        number = function(number);
        memcpy(answer + sizeof answer - sizeof number, &number, sizeof number);
        send_all(socket, answer, sizeof answer);
    }
}

static void serve_texts(int socket) {
    char* const text = make_buffer(text_size);
    while (receive_all(socket, text, text_size)) {
        send_all(socket, text, text_size);
    }
}

static void serve_portions(int socket) {
    const size_t size = portion * sizeof(int);
    int* const values = (int*)make_buffer(size);
    while (receive_all(socket, (char*)values, size)) {
        for (size_t i = 0; i < portion; ++i) {
            values[i] = function(values[i]);
        }
        send_all(socket, (const char*)values, size);
    }
}

static struct worker start(void (*serve)(int)) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        die("socketpair", errno);
    }
    const pid_t pid = fork();
    if (pid < 0) {
        die("fork", errno);
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        serve(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    return (struct worker){.pid = pid, .socket = ends[0]};
}

static void end(const struct worker* worker) {
    shutdown(worker->socket, SHUT_WR);
    int status = 0;
    if (waitpid(worker->pid, &status, 0) < 0 || status != 0) {
        die("waitpid", errno);
    }
}

static void send_call(int socket, int number) {
    char call[call_size] = {0};
    memcpy(call + sizeof call - sizeof number, &number, sizeof number);
    send_all(socket, call, sizeof call);
}

/// False when the worker has ended.
static bool receive_answer(int socket, int* number) {
    char answer[answer_size];
    if (!receive_all(socket, answer, sizeof answer)) {
        return false;
    }
    memcpy(number, answer + sizeof answer - sizeof *number, sizeof *number);
    return true;
}

static int call_once(int socket, int number) {
    send_call(socket, number);
    if (!receive_answer(socket, &number)) {
        die("call", EPIPE);
    }
    return number;
}

// The answer by way of a thread that waits for answers, as a pool needs one for many callers.

static atomic_int result;  // 0: there is none

static void* manage(void* socket) {
    int number;
    while (receive_answer(*(int*)socket, &number)) {
        atomic_store(&result, number);
        syscall(SYS_futex, &result, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
    return NULL;
}

static int call_by_manager(int socket, int number) {
    atomic_store(&result, 0);
    send_call(socket, number);
    while (atomic_load(&result) == 0) {
        syscall(SYS_futex, &result, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    }
    return atomic_load(&result);
}

static void calls(uint64_t count, bool has_manager) {
    struct worker worker = start(serve_calls);
    pthread_t manager;
    if (has_manager) {
        pthread_create(&manager, NULL, manage, &worker.socket);
    }
    int (*const call)(int, int) = has_manager ? call_by_manager : call_once;
    int number = call(worker.socket, 0);
    const struct job_clocks clocks = start_clocks();
    for (uint64_t i = 0; i < count; ++i) {
        number = call(worker.socket, number);
    }
    print_job(clocks, count, -1);
    end(&worker);
    if (has_manager) {
        pthread_join(manager, NULL);
    }
    if ((uint64_t)number != count + 1) {
        die("call", EIO);
    }
}

static void texts(uint64_t count) {
    char* const text = make_buffer(text_size);
    const struct worker worker = start(serve_texts);
    struct job_clocks clocks = {0};
    for (uint64_t i = 0; i <= count; ++i) {
        if (i == 1) {  // the first one warms up
            clocks = start_clocks();
        }
        send_all(worker.socket, text, text_size);
        if (!receive_all(worker.socket, text, text_size)) {
            die("bytes", EPIPE);
        }
    }
    print_job(clocks, count, -1);
    end(&worker);
}

/// Its portions are every second one; each direction goes on as the socket lets it.
struct conversation {
    size_t sent;
    size_t received;
};

enum { share = numbers / workers * sizeof(int), portion_bytes = portion * sizeof(int) };

/// Where in the numbers the byte `at` of the share of `worker` lies; `room` is what is left of it
/// in its portion.
static size_t place(size_t worker, size_t at, size_t* room) {
    *room = portion_bytes - at % portion_bytes;
    return (at / portion_bytes * workers + worker) * portion_bytes + at % portion_bytes;
}

static size_t moved(ssize_t size, const char* what) {
    if (size < 0 && errno != EAGAIN) {
        die(what, errno);
    }
    return size > 0 ? (size_t)size : 0;
}

static void map(const struct worker* others, const char* input, char* output) {
    struct conversation talks[workers] = {0};
    for (size_t unfinished = workers; unfinished > 0;) {
        struct pollfd polled[workers];
        for (size_t i = 0; i < workers; ++i) {
            polled[i].fd = talks[i].received < share ? others[i].socket : -1;
            polled[i].events = talks[i].sent < share ? POLLIN | POLLOUT : POLLIN;
        }
        if (poll(polled, workers, -1) < 0) {
            die("poll", errno);
        }
        for (size_t i = 0; i < workers; ++i) {
            struct conversation* const talk = &talks[i];
            size_t room;
            if ((polled[i].revents & POLLOUT) != 0) {
                const size_t from = place(i, talk->sent, &room);
                talk->sent += moved(send(polled[i].fd, input + from, room, MSG_DONTWAIT), "send");
            }
            if ((polled[i].revents & POLLIN) != 0) {
                const size_t to = place(i, talk->received, &room);
                talk->received +=
                    moved(recv(polled[i].fd, output + to, room, MSG_DONTWAIT), "recv");
                unfinished -= talk->received == share ? 1 : 0;
            }
        }
    }
}

static void maps(uint64_t count) {
    int* const input = (int*)make_buffer(numbers * sizeof(int));
    int* const output = (int*)make_buffer(numbers * sizeof(int));
    for (int i = 0; i < numbers; ++i) {
        input[i] = i;
    }
    struct worker others[workers];
    for (size_t i = 0; i < workers; ++i) {
        others[i] = start(serve_portions);
    }
    map(others, (const char*)input, (char*)output);
    const struct job_clocks clocks = start_clocks();
    for (uint64_t i = 0; i < count; ++i) {
        map(others, (const char*)input, (char*)output);
    }
    print_job(clocks, count, -1);
    for (int i = 0; i < numbers; ++i) {
        if (output[i] != input[i] + 1) {
            die("map", EIO);
        }
    }
    for (size_t i = workers; i > 0; --i) {  // the last one has the others' sockets, too
        end(&others[i - 1]);
    }
}

int main(int argc, char** argv) {
    const uint64_t count = number_argument(argc, argv, 2);
    const char* const job = argv[1];
    if (strcmp(job, "call") == 0) {
        calls(count, argc > 3);
    } else if (strcmp(job, "map") == 0) {
        maps(count);
    } else if (strcmp(job, "bytes") == 0) {
        texts(count);
    } else {
        die(job, EINVAL);
    }
}

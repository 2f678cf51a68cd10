// The limit of the process benchmarks: the system calls themselves, in loops written by hand.
//
//     process_calls spawn N            posix_spawn and waitpid, one after the other
//     process_calls together N         the same, 64 that run beside each other
//     process_calls communicate MIB    so much through cat and back
//     process_calls signal N [pipe]    from kill(2) to a callback: signalfd, or a handler and a
//     pipe process_calls reader N           from a byte in a pipe to a callback
#define _GNU_SOURCE
#include "../harness/job.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

enum { together = 64, events_per_wait = 64 };

static pid_t start(char* program, const posix_spawn_file_actions_t* actions) {
    char* arguments[] = {program, NULL};
    pid_t pid;
    const int error = posix_spawn(&pid, program, actions, NULL, arguments, environ);
    if (error != 0) {
        die("posix_spawn", error);
    }
    return pid;
}

static void reap(pid_t pid) {
    int status = 0;
    if (waitpid(pid, &status, 0) < 0 || status != 0) {
        die("waitpid", errno);
    }
}

static void spawn_in_turns(uint64_t count) {
    double blocked = 0;
    const struct job_clocks clocks = start_clocks();
    for (uint64_t i = 0; i < count; ++i) {
        const double began = seconds(CLOCK_MONOTONIC);
        const pid_t pid = start("/bin/true", NULL);
        blocked += seconds(CLOCK_MONOTONIC) - began;
        reap(pid);
    }
    print_job(clocks, count, blocked);
}

static void spawn_together(uint64_t count) {
    const uint64_t rounds = (count + together - 1) / together;
    const struct job_clocks clocks = start_clocks();
    for (uint64_t i = 0; i < rounds; ++i) {
        for (int k = 0; k < together; ++k) {
            start("/bin/true", NULL);
        }
        for (int k = 0; k < together; ++k) {
            reap(-1);
        }
    }
    print_job(clocks, rounds * together, -1);
}

// Through cat. Pipes stay as large as the kernel makes them, as everybody's do.

struct conversation {
    pid_t pid;
    int to;
    int from;
    const char* input;
    size_t unsent;
    char* output;
    size_t received;
    size_t room;
};

static void make_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) {
        die("pipe", errno);
    }
}

static void start_cat(struct conversation* talk) {
    int input[2];
    int output[2];
    make_pipe(input);
    make_pipe(output);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    talk->pid = start("/bin/cat", &actions);
    posix_spawn_file_actions_destroy(&actions);
    close(input[0]);
    close(output[1]);
    talk->to = input[1];
    talk->from = output[0];
    fcntl(talk->to, F_SETFL, O_NONBLOCK);
    fcntl(talk->from, F_SETFL, O_NONBLOCK);
}

static void write_some(struct conversation* talk) {
    const ssize_t sent = write(talk->to, talk->input, talk->unsent);
    if (sent < 0 && errno != EAGAIN) {
        die("write", errno);
    }
    talk->input += sent > 0 ? sent : 0;
    talk->unsent -= sent > 0 ? (size_t)sent : 0;
    if (talk->unsent == 0) {
        close(talk->to);
        talk->to = -1;
    }
}

/// Straight into what is given to the caller, which doubles: mremap(2) moves it without a copy.
static void read_some(struct conversation* talk) {
    enum { least = 256 * 1024 };
    if (talk->room - talk->received < least) {
        talk->room = talk->room == 0 ? 4 * least : 2 * talk->room;
        talk->output = realloc(talk->output, talk->room);
        if (talk->output == NULL) {
            die("realloc", ENOMEM);
        }
    }
    const ssize_t got =
        read(talk->from, talk->output + talk->received, talk->room - talk->received);
    if (got < 0 && errno != EAGAIN) {
        die("read", errno);
    }
    talk->received += got > 0 ? (size_t)got : 0;
    if (got == 0) {
        close(talk->from);
        talk->from = -1;
    }
}

static void communicate(uint64_t mib) {
    const size_t size = (size_t)mib << 20;
    char* const input = malloc(size);
    if (input == NULL) {
        die("malloc", ENOMEM);
    }
    memset(input, 'x', size);
    const struct job_clocks clocks = start_clocks();
    struct conversation talk = {.input = input, .unsent = size};
    start_cat(&talk);
    while (talk.to >= 0 || talk.from >= 0) {
        struct pollfd polled[2] = {{.fd = talk.to, .events = POLLOUT},
                                   {.fd = talk.from, .events = POLLIN}};
        if (poll(polled, 2, -1) < 0) {
            die("poll", errno);
        }
        if (polled[0].revents != 0) {
            write_some(&talk);
        }
        if (polled[1].revents != 0) {
            read_some(&talk);
        }
    }
    reap(talk.pid);
    if (talk.received != size) {
        die("communicate", EIO);
    }
    print_job(clocks, mib, -1);
    free(talk.output);
    free(input);
}

// Callbacks on epoll.

static int watched[2];  // a pipe; or a signalfd, and nothing
static uint64_t left;

static void watch(int poller, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) {
        die("epoll_ctl", errno);
    }
}

static void run_callbacks(int poller, void (*callback)(void)) {
    struct epoll_event events[events_per_wait];
    while (left > 0) {
        const int count = epoll_wait(poller, events, events_per_wait, -1);
        if (count < 0 && errno != EINTR) {
            die("epoll_wait", errno);
        }
        for (int i = 0; i < count && left > 0; ++i) {
            callback();
        }
    }
}

static void next_signal(void) {
    if (--left > 0) {
        kill(getpid(), SIGUSR1);
    }
}

static void on_signalfd(void) {
    struct signalfd_siginfo signals[4];
    if (read(watched[0], signals, sizeof signals) != sizeof signals[0]) {
        die("signalfd", errno);
    }
    next_signal();
}

static void on_signal_pipe(void) {
    char numbers[64];
    if (read(watched[0], numbers, sizeof numbers) != 1) {
        die("read", errno);
    }
    next_signal();
}

static void handle(int number) {
    const int saved = errno;
    const char byte = (char)number;
    if (write(watched[1], &byte, 1) != 1) {
        _exit(1);
    }
    errno = saved;
}

static void signals(uint64_t count, bool by_pipe) {
    const int poller = epoll_create1(EPOLL_CLOEXEC);
    if (by_pipe) {
        make_pipe(watched);
        struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
        sigaction(SIGUSR1, &action, NULL);
    } else {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        sigprocmask(SIG_BLOCK, &set, NULL);
        watched[0] = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    watch(poller, watched[0]);
    left = count;
    const struct job_clocks clocks = start_clocks();
    kill(getpid(), SIGUSR1);
    run_callbacks(poller, by_pipe ? on_signal_pipe : on_signalfd);
    print_job(clocks, count, -1);
}

static void on_byte(void) {
    char byte;
    if (read(watched[0], &byte, 1) != 1 || (--left > 0 && write(watched[1], &byte, 1) != 1)) {
        die("pipe", errno);
    }
}

static void reader(uint64_t count) {
    const int poller = epoll_create1(EPOLL_CLOEXEC);
    make_pipe(watched);
    watch(poller, watched[0]);
    left = count;
    const struct job_clocks clocks = start_clocks();
    if (write(watched[1], "", 1) != 1) {
        die("write", errno);
    }
    run_callbacks(poller, on_byte);
    print_job(clocks, count, -1);
}

int main(int argc, char** argv) {
    const uint64_t count = number_argument(argc, argv, 2);
    const char* const job = argv[1];
    if (strcmp(job, "spawn") == 0) {
        spawn_in_turns(count);
    } else if (strcmp(job, "together") == 0) {
        spawn_together(count);
    } else if (strcmp(job, "communicate") == 0) {
        communicate(count);
    } else if (strcmp(job, "signal") == 0) {
        signals(count, argc > 3 && strcmp(argv[3], "pipe") == 0);
    } else if (strcmp(job, "reader") == 0) {
        reader(count);
    } else {
        die(job, EINVAL);
    }
}

// Starts local_partner, with pipes to its standard input and from its standard output.
#pragma once

#include "../harness/job.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

struct partner {
    pid_t pid;
    int to;
    int from;
};

/// `words`: the program and its arguments, with a null pointer at the end.
static inline struct partner start_partner(const char* const* words) {
    int input[2];
    int output[2];
    struct partner partner;
    posix_spawn_file_actions_t actions;
    if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0) {
        die("pipe", errno);
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    const int error =
        posix_spawn(&partner.pid, words[0], &actions, NULL, (char* const*)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        die(words[0], error);
    }
    close(input[0]);
    close(output[1]);
    partner.to = input[1];
    partner.from = output[0];
    return partner;
}

static inline void end_partner(const struct partner* partner) {
    int status = 0;
    if (waitpid(partner->pid, &status, 0) < 0 || status != 0) {
        die("local_partner", EIO);
    }
}

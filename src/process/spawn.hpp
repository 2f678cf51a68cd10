// Starting a program: what posix_spawn(3) is told, and what its error means.
#pragma once

#include <ringio/base/unique_fd.hpp>
#include <ringio/core/signal_set.hpp>
#include <ringio/process/subprocess.hpp>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace ringio::detail {

/// What becomes of a standard stream, with what it owns.
struct Redirection {
    Stdio::Kind kind = Stdio::Kind::inherit;
    UniqueFd own;     // of `owner`, and of `pipe` the program's end
    int number = -1;  // of `number`
};

/// The arguments of create_subprocess_exec(), checked, and owned.
struct Launch {
    /// *Errors*: std::invalid_argument; std::system_error for a number that is no descriptor.
    Launch(Command command, const SubprocessOptions& options);

    Command command;
    std::string program;  // the file that is executed; empty: the command's first word, looked for
    SignalSet blocked;    // beside those that this thread has blocked
    std::array<Redirection, 3> stdio;
    std::string cwd;
    std::optional<std::vector<std::string>> env;  // "NAME=value"
    bool start_new_session;
    std::optional<pid_t> process_group;
    std::vector<int> pass_fds;
    std::size_t limit;
    bool detached;
};

/// A program that runs: its pid, and what tells of its end; no pidfd when it has ended, and
/// somebody else has reaped it (SIGCHLD is ignored, for instance).
struct Spawned {
    pid_t pid = -1;
    UniqueFd pidfd;
};

/// Starts it. ETXTBSY is thrown as well: the file may be open for writing in a child that another
/// thread has just made, and has not reached its exec.
/// *Errors*: std::system_error that names what is wrong.
Spawned spawn(const Launch& launch);

}  // namespace ringio::detail

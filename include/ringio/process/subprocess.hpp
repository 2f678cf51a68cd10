// Subprocesses: create_subprocess_exec, create_subprocess_shell, Process.
#pragma once

#include <ringio/core/task.hpp>
#include <ringio/process/command.hpp>
#include <ringio/process/environment.hpp>
#include <ringio/process/stdio.hpp>
#include <ringio/streams/stream_reader.hpp>
#include <ringio/streams/stream_writer.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace ringio {
namespace detail {

class ProcessHandle;

/// A path in options: a text, or a std::filesystem::path.
class PathView {
public:
    constexpr PathView() noexcept = default;
    template <class Text>
        requires std::convertible_to<const Text&, std::string_view>
    constexpr PathView(const Text& text) noexcept : text_(text) {}
    PathView(const std::filesystem::path& path) noexcept : text_(path.native()) {}

    constexpr std::string_view text() const noexcept { return text_; }

private:
    std::string_view text_;
};

}  // namespace detail

/// *Lifetime*: what the options refer to must live until the function that takes them has been
/// called, not until its Task has ended.
struct SubprocessOptions {
    Stdio std_in = Stdio::inherit;
    Stdio std_out = Stdio::inherit;
    Stdio std_err = Stdio::inherit;
    detail::PathView cwd = {};             ///< the working directory; empty: this process's
    EnvironmentView env = {};              ///< all variables of the program; none: this process's
    bool start_new_session = false;        ///< setsid(2): away from the terminal
    std::optional<pid_t> process_group{};  ///< setpgid(2); 0: a group of its own
    std::span<const int> pass_fds = {};    ///< descriptors that it gets, with the same numbers
    std::size_t limit = default_stream_limit;  ///< of its readers' buffers, in bytes
    bool detached = false;  ///< outlives its Process and the loop, and is not reaped then
};

struct CommunicateOptions {
    /// After the program's exit its pipes are read for so long, should a program that it has
    /// started hold them; none: to their end, as asyncio.
    std::optional<std::chrono::milliseconds> wait_delay = {};
    /// How much each of std_out and std_err may give, in bytes.
    std::size_t max_output = std::numeric_limits<std::size_t>::max();
};

/// What communicate() gives: `auto [out, err] = co_await process.communicate(input);`.
struct ProcessOutput {
    ProcessOutput(std::string out, std::string err)
        : std_out(std::move(out)), std_err(std::move(err)) {}

    std::string std_out;  ///< empty where it was no pipe
    std::string std_err;
};

/// A program that was started; asyncio.subprocess.Process. A handle: copies are the same program.
///
/// *Lifetime*: when the last handle goes while the program runs, it is killed, and so are those
/// that run when the loop closes, unless they are `detached`. The loop reaps every one of its
/// programs, and nothing else: other children of the process are their owners' concern.
class Process {
public:
    explicit Process(std::shared_ptr<detail::ProcessHandle> handle) noexcept
        : handle_(std::move(handle)) {}

    pid_t pid() const noexcept;

    /// The exit status, or minus the number of the signal that ended it; none while it runs. 255
    /// when somebody else took the status.
    std::optional<int> returncode() const noexcept;

    /// Waits for its exit, whether its pipes are read or not, and gives returncode(). Any number of
    /// tasks may wait. *Cancellation*: at once; the program runs on.
    Task<int> wait() const;

    /// Writes `input` to its standard input, if that is a pipe, and closes it; reads its output to
    /// the end; waits for its exit. That it does not read all of the input is no error.
    ///
    /// *Errors*: std::runtime_error when there is input and no pipe for it; LimitOverrunError when
    /// the output is longer than max_output. *Cancellation*: at once; the program runs on, what was
    /// read is lost.
    Task<ProcessOutput> communicate(std::string input = {},
                                    const CommunicateOptions& options = {}) const;

    /// Sends a signal to the program, and to no other, whatever became of its pid. False when it
    /// has ended. *Errors*: std::system_error, for a signal that there is not, or of a program that
    /// became another user's. *Python*: raises ProcessLookupError when it has ended.
    bool send_signal(int number) const;
    bool terminate() const;  ///< sends SIGTERM
    bool kill() const;       ///< sends SIGKILL

    /// Its standard streams, where they are pipes. *Errors*: std::runtime_error that names the
    /// option, where they are not. *Python*: None then; the names are stdin, stdout, stderr, which
    /// C has taken.
    StreamWriter& std_in() const;
    StreamReader& std_out() const;
    StreamReader& std_err() const;

private:
    std::shared_ptr<detail::ProcessHandle> handle_;
};

/// Starts a program, which is looked for in the PATH of its environment, with posix_spawn(3): the
/// loop stands still for as long as that takes. The program gets the descriptors 0, 1, 2 and
/// `pass_fds`, no others; SIGPIPE and its like as they were before ringio ignored them.
///
/// *Errors*: std::system_error that names the program, its interpreter or the directory;
/// std::invalid_argument at the call for an empty command, a zero byte in a text, a name of a
/// variable that is empty or has a '='. *Cancellation*: the program is killed, and no descriptor is
/// left. *Python*: preexec_fn, umask, user and group are not there.
Task<Process> create_subprocess_exec(Command command, const SubprocessOptions& options = {});

/// Runs a command line by /bin/sh. *Errors*: as create_subprocess_exec(); what the shell does not
/// find is its exit status 127.
Task<Process> create_subprocess_shell(std::string command_line,
                                      const SubprocessOptions& options = {});

}  // namespace ringio

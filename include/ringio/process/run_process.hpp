// run_process: a program from its start to its end in one await.
#pragma once

#include <ringio/core/exceptions.hpp>
#include <ringio/process/subprocess.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace ringio {

struct RunProcessOptions {
    bool check = true;            ///< an exit status other than 0 is a CalledProcessError
    bool capture_output = false;  ///< std_out and std_err are pipes, read to their end
    std::optional<std::string_view> input = {};            ///< std_in is a pipe, and gets this
    std::optional<std::chrono::nanoseconds> timeout = {};  ///< else it is ended: TimeoutError
    std::chrono::milliseconds kill_after = std::chrono::seconds(5);  ///< after SIGTERM: SIGKILL
    Stdio std_in = Stdio::inherit;
    Stdio std_out = Stdio::inherit;
    Stdio std_err = Stdio::inherit;
    detail::PathView cwd = {};
    EnvironmentView env = {};
    bool start_new_session = false;
    std::optional<pid_t> process_group{};
    std::span<const int> pass_fds = {};
};

/// What became of a program.
struct CompletedProcess {
    CompletedProcess(Command of, int status, ProcessOutput output)
        : command(std::move(of)),
          returncode(status),
          std_out(std::move(output.std_out)),
          std_err(std::move(output.std_err)) {}

    Command command;
    int returncode;       ///< as Process::returncode()
    std::string std_out;  ///< empty where it was not captured
    std::string std_err;
};

/// A program ended with another status than 0; subprocess.CalledProcessError.
class CalledProcessError : public std::runtime_error {
public:
    explicit CalledProcessError(CompletedProcess process);

    const CompletedProcess& process() const noexcept { return *process_; }
    int returncode() const noexcept { return process_->returncode; }

private:
    std::shared_ptr<const CompletedProcess> process_;
};

/// Runs a program to its end.
///
///     CompletedProcess log = co_await run_process({"git", "log"}, {.capture_output = true});
///
/// *Errors*: as create_subprocess_exec(); CalledProcessError; TimeoutError.
/// *Cancellation*, and after the timeout: the program gets SIGTERM, `kill_after` later SIGKILL, and
/// the await is over when it has ended; cancelled again, at once. *Python*: subprocess.run, with
/// `check` as trio and anyio have it.
Task<CompletedProcess> run_process(Command command, const RunProcessOptions& options = {});

}  // namespace ringio

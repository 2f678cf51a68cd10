#include <ringio/process/run_process.hpp>

#include <ringio/tasks/wait_for.hpp>

#include <fmt/format.h>

#include <string.h>

#include <stdexcept>
#include <utility>

namespace ringio {
namespace {

/// What run_process() is asked for, beside the start of the program.
struct Wishes {
    bool check;
    std::string input;
    std::optional<std::chrono::nanoseconds> timeout;
    std::chrono::milliseconds kill_after;
};

std::string describe_end(const CompletedProcess& process) {
    const std::string command = "Command '" + process.command.to_string() + "' ";
    if (process.returncode >= 0) {
        return command + "returned non-zero exit status " + std::to_string(process.returncode) +
               ".";
    }
    const char* const name = ::sigabbrev_np(-process.returncode);
    return command + "died with " +
           (name != nullptr ? "SIG" + std::string(name)
                            : "signal " + std::to_string(-process.returncode)) +
           ".";
}

Task<> end_process(Process process, std::chrono::milliseconds kill_after) {
    process.terminate();
    bool is_stubborn = false;
    try {
        co_await wait_for(process.wait(), kill_after);
    } catch (const TimeoutError&) {
        is_stubborn = true;
    }
    if (is_stubborn) {
        process.kill();
        co_await process.wait();
    }
}

Task<ProcessOutput> communicate_in_time(Process process, Wishes wishes, std::string command) {
    if (!wishes.timeout) {
        co_return co_await process.communicate(std::move(wishes.input));
    }
    try {
        co_return co_await wait_for(process.communicate(std::move(wishes.input)), *wishes.timeout);
    } catch (const TimeoutError&) {
    }
    const double seconds = std::chrono::duration<double>(*wishes.timeout).count();
    throw TimeoutError(fmt::format("Command '{}' timed out after {} seconds", command, seconds));
}

Task<CompletedProcess> run_to_end(Task<Process> starting, Command command, Wishes wishes) {
    const Process process = co_await std::move(starting);
    std::optional<ProcessOutput> output;
    std::exception_ptr interruption;
    try {
        output = co_await communicate_in_time(process, wishes, command.to_string());
    } catch (...) {
        interruption = std::current_exception();
    }
    if (interruption) {
        co_await end_process(process, wishes.kill_after);
        std::rethrow_exception(interruption);
    }
    CompletedProcess completed(std::move(command), *process.returncode(), std::move(*output));
    if (wishes.check && completed.returncode != 0) {
        throw CalledProcessError(std::move(completed));
    }
    co_return std::move(completed);
}

// Python's rules, in our names.
SubprocessOptions start_options(const RunProcessOptions& options) {
    const auto is_given = [](const Stdio& stdio) { return stdio.kind() != Stdio::Kind::inherit; };
    if (options.input && is_given(options.std_in)) {
        throw std::invalid_argument("std_in and input may not both be used");
    }
    if (options.capture_output && (is_given(options.std_out) || is_given(options.std_err))) {
        throw std::invalid_argument("std_out and std_err may not be used with capture_output");
    }
    return {.std_in = options.input ? Stdio::pipe : options.std_in,
            .std_out = options.capture_output ? Stdio::pipe : options.std_out,
            .std_err = options.capture_output ? Stdio::pipe : options.std_err,
            .cwd = options.cwd,
            .env = options.env,
            .start_new_session = options.start_new_session,
            .process_group = options.process_group,
            .pass_fds = options.pass_fds};
}

}  // namespace

CalledProcessError::CalledProcessError(CompletedProcess process)
    : std::runtime_error(describe_end(process)),
      process_(std::make_shared<const CompletedProcess>(std::move(process))) {}

Task<CompletedProcess> run_process(Command command, const RunProcessOptions& options) {
    Task<Process> starting = create_subprocess_exec(command, start_options(options));
    return run_to_end(std::move(starting), std::move(command),
                      {.check = options.check,
                       .input = std::string(options.input.value_or(std::string_view())),
                       .timeout = options.timeout,
                       .kill_after = options.kill_after});
}

}  // namespace ringio

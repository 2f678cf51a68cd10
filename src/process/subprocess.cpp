#include <ringio/process/subprocess.hpp>

#include <ringio/base/scope_exit.hpp>
#include <ringio/core/exceptions.hpp>
#include <ringio/tasks/create_task.hpp>
#include <ringio/tasks/sleep.hpp>
#include <ringio/tasks/when_all.hpp>

#include "../streams/pipe_ends.hpp"
#include "process_state.hpp"
#include "spawn.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

namespace ringio {
namespace detail {

/// What the handles of a Process share: its state, and our ends of its pipes.
class ProcessHandle {
public:
    explicit ProcessHandle(IntrusivePtr<ProcessState> of) noexcept : state(std::move(of)) {}
    ProcessHandle(const ProcessHandle&) = delete;
    ProcessHandle& operator=(const ProcessHandle&) = delete;
    ~ProcessHandle() { state->abandon(); }

    IntrusivePtr<ProcessState> state;
    std::optional<StreamWriter> std_in;
    std::optional<StreamReader> std_out;
    std::optional<StreamReader> std_err;
};

}  // namespace detail

namespace {

using Handle = std::shared_ptr<detail::ProcessHandle>;

/// Our ends of a program's pipes, before it runs; each empty where it has none.
struct OwnEnds {
    std::array<UniqueFd, 3> ends;

    explicit OwnEnds(detail::Launch& launch) {
        for (std::size_t number = 0; number < ends.size(); ++number) {
            detail::Redirection& redirection = launch.stdio[number];
            if (redirection.kind != Stdio::Kind::pipe) {
                continue;
            }
            detail::PipeEnds pipe = detail::make_pipe();
            const bool is_input = number == 0;
            redirection.own = std::move(is_input ? pipe.read : pipe.write);
            ends[number] = std::move(is_input ? pipe.write : pipe.read);
            detail::make_own(ends[number]);
        }
    }
};

IntrusivePtr<detail::StreamState> stream_to(UniqueFd end, detail::Medium medium, const char* name,
                                            pid_t pid, std::size_t limit) {
    IntrusivePtr<detail::StreamState> stream = detail::stream_of_end(
        std::move(end), medium, name + (" of process " + std::to_string(pid)), limit);
    stream->start();
    return stream;
}

void connect_pipes(detail::ProcessHandle& handle, OwnEnds own, std::size_t limit) {
    using detail::Medium;
    const pid_t pid = handle.state->pid();
    if (own.ends[0]) {
        handle.std_in.emplace(
            stream_to(std::move(own.ends[0]), Medium::write_end, "std_in", pid, limit));
    }
    if (own.ends[1]) {
        handle.std_out.emplace(
            stream_to(std::move(own.ends[1]), Medium::read_end, "std_out", pid, limit));
    }
    if (own.ends[2]) {
        handle.std_err.emplace(
            stream_to(std::move(own.ends[2]), Medium::read_end, "std_err", pid, limit));
    }
}

// Kernel: an executable that was just written may still be open for writing in a child that another
// thread has forked, and that has not come to its exec: ETXTBSY, for a moment.
Task<detail::Spawned> spawn_with_patience(const detail::Launch& launch) {
    constexpr int attempts = 4;
    std::chrono::milliseconds pause{5};
    for (int attempt = 1;; ++attempt) {
        try {
            co_return detail::spawn(launch);
        } catch (const std::system_error& error) {
            if (error.code().value() != ETXTBSY || attempt == attempts) {
                throw;
            }
        }
        co_await sleep(pause);
        pause *= 4;
    }
}

// From the start of the program on nothing is awaited, and the handle ends it should anything fail.
Task<Process> start_process(detail::Launch launch) {
    const auto handle = std::make_shared<detail::ProcessHandle>(
        IntrusivePtr<detail::ProcessState>(new detail::ProcessState(get_running_loop())));
    OwnEnds own(launch);
    detail::Spawned spawned = co_await spawn_with_patience(launch);
    launch.stdio = {};  // the program has its ends: ours would keep its pipes from ending
    handle->state->watch(spawned.pid, std::move(spawned.pidfd), launch.detached);
    connect_pipes(*handle, std::move(own), launch.limit);
    co_return Process(handle);
}

Task<int> wait_for_end(Handle handle) {
    if (!handle->state->returncode()) {
        co_await handle->state->ended().wait();
    }
    co_return *handle->state->returncode();
}

// As in asyncio, that the program does not read it all is no error. In pieces, for the writer
// copies what the pipe does not take at once: of a large input that would be all of it.
Task<> feed(StreamWriter writer, std::string input) {
    constexpr std::size_t piece = 128 * 1024;
    try {
        for (std::string_view rest = input; !rest.empty();) {
            const std::string_view next = rest.substr(0, piece);
            writer.write(next);
            rest.remove_prefix(next.size());
            co_await writer.drain();
        }
        writer.close();
        co_await writer.wait_closed();
    } catch (const std::system_error& error) {
        if (error.code().value() != EPIPE && error.code().value() != ECONNRESET) {
            throw;
        }
    }
}

// Much output grows fourfold: memory that was never written to costs next to nothing, but each move
// to a larger piece touches new memory for all that is there, and that costs more than the bytes.
void append(std::string& all, std::string_view part) {
    constexpr std::size_t much = 256 * 1024;
    constexpr std::size_t huge = 64 * 1024 * 1024;  // from here on it doubles
    const std::size_t size = all.size() + part.size();
    if (size > all.capacity() && size > much && size <= huge) {
        std::size_t capacity = 4 * much;
        while (capacity < size) {
            capacity *= 4;
        }
        all.reserve(capacity);
    }
    all += part;
}

Task<> collect(StreamReader reader, std::string& all, std::size_t most) {
    constexpr std::size_t piece = 256 * 1024;
    const auto memory = std::make_unique_for_overwrite<char[]>(piece);
    for (;;) {
        const std::size_t size = co_await reader.read(std::span<char>(memory.get(), piece));
        if (size == 0) {
            break;
        }
        if (size > most - all.size()) {
            throw LimitOverrunError("the output of the process is longer than max_output", most);
        }
        append(all, std::string_view(memory.get(), size));
    }
}

/// What a program's pipes gave.
struct Collected {
    std::string out;
    std::string err;
};

Task<> move_bytes(Handle handle, std::string input, std::size_t most,
                  std::shared_ptr<Collected> collected) {
    std::vector<Task<>> moving;
    if (handle->std_in) {
        moving.push_back(feed(*handle->std_in, std::move(input)));
    }
    if (handle->std_out) {
        moving.push_back(collect(*handle->std_out, collected->out, most));
    }
    if (handle->std_err) {
        moving.push_back(collect(*handle->std_err, collected->err, most));
    }
    co_await when_all(std::move(moving));
}

// Ends `moving` a while after the program has ended.
Task<> cut_after_end(Handle handle, TaskHandle<> moving, std::chrono::milliseconds delay,
                     std::shared_ptr<bool> is_cut) {
    co_await wait_for_end(std::move(handle));
    co_await sleep(delay);
    *is_cut = true;
    moving.cancel();
}

Task<> move_bytes_until_cut(Handle handle, std::string input, CommunicateOptions options,
                            std::shared_ptr<Collected> collected) {
    const auto is_cut = std::make_shared<bool>(false);
    TaskHandle<> moving =
        create_task(move_bytes(handle, std::move(input), options.max_output, collected));
    TaskHandle<> cutting = create_task(cut_after_end(handle, moving, *options.wait_delay, is_cut));
    const ScopeExit no_cut([&cutting] { cutting.cancel(); });
    try {
        co_await moving;
    } catch (const CancelledError&) {
        if (!*is_cut) {
            throw;
        }
    }
}

Task<ProcessOutput> communicate_with(Handle handle, std::string input, CommunicateOptions options) {
    const auto collected = std::make_shared<Collected>();
    if (options.wait_delay) {
        co_await move_bytes_until_cut(handle, std::move(input), options, collected);
    } else {
        co_await move_bytes(handle, std::move(input), options.max_output, collected);
    }
    co_await wait_for_end(handle);
    co_return ProcessOutput(std::move(collected->out), std::move(collected->err));
}

template <class Stream>
Stream& pipe_or_throw(std::optional<Stream>& stream, const char* name) {
    if (!stream) {
        throw std::runtime_error(std::string(name) +
                                 " of the process is no pipe; start it with {." + name +
                                 " = Stdio::pipe}");
    }
    return *stream;
}

}  // namespace

pid_t Process::pid() const noexcept { return handle_->state->pid(); }

std::optional<int> Process::returncode() const noexcept { return handle_->state->returncode(); }

Task<int> Process::wait() const { return wait_for_end(handle_); }

Task<ProcessOutput> Process::communicate(std::string input,
                                         const CommunicateOptions& options) const {
    if (!input.empty()) {
        pipe_or_throw(handle_->std_in, "std_in");
    }
    return communicate_with(handle_, std::move(input), options);
}

bool Process::send_signal(int number) const { return handle_->state->send_signal(number); }
bool Process::terminate() const { return send_signal(SIGTERM); }
bool Process::kill() const { return send_signal(SIGKILL); }

StreamWriter& Process::std_in() const { return pipe_or_throw(handle_->std_in, "std_in"); }
StreamReader& Process::std_out() const { return pipe_or_throw(handle_->std_out, "std_out"); }
StreamReader& Process::std_err() const { return pipe_or_throw(handle_->std_err, "std_err"); }

Task<Process> create_subprocess_exec(Command command, const SubprocessOptions& options) {
    return start_process(detail::Launch(std::move(command), options));
}

Task<Process> create_subprocess_shell(std::string command_line, const SubprocessOptions& options) {
    return start_process(
        detail::Launch(Command("/bin/sh", "-c", std::move(command_line)), options));
}

}  // namespace ringio

#include "pool_worker.hpp"

#include <ringio/base/system_calls.hpp>
#include <ringio/core/signal_set.hpp>
#include <ringio/process/archive.hpp>

#include "code_address.hpp"
#include "remote_exception.hpp"
#include "spawn.hpp"
#include "worker_variable.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <utility>

namespace ringio::detail {
namespace {

using std::chrono::steady_clock;

[[noreturn]] void throw_no_socket() {
    throw std::system_error(errno, std::system_category(), "a worker process, its socket");
}

// The parent's end and the worker's, which is out of the way of the standard streams.
std::pair<UniqueFd, UniqueFd> make_socket_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        throw_no_socket();
    }
    UniqueFd ours(ends[0]);
    UniqueFd its(ends[1]);
    if (its.get() <= STDERR_FILENO) {
        its.reset(SystemCalls::real.fcntl(its.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
        if (!its) {
            throw_no_socket();
        }
    }
    return {std::move(ours), std::move(its)};
}

std::vector<std::string> environment_of_worker(int socket) {
    std::vector<std::string> entries;
    for (char** each = ::environ; each != nullptr && *each != nullptr; ++each) {
        entries.emplace_back(*each);
    }
    entries.push_back(WorkerVariable{.socket = socket, .parent = ::getpid()}.text());
    return entries;
}

// Kernel: /proc/self/exe is the file that this process runs, also when another one has taken its
// place.
Spawned spawn_worker(int socket) {
    const int passed[] = {socket};
    Launch launch(Command(program_invocation_name),
                  SubprocessOptions{.std_in = Stdio::null, .pass_fds = passed});
    launch.program = "/proc/self/exe";
    launch.env = environment_of_worker(socket);
    launch.blocked.add(SIGINT);
    try {
        return spawn(launch);
    } catch (const std::system_error& error) {
        if (error.code() != std::errc::no_such_file_or_directory) {
            throw;
        }
        throw std::system_error(
            error.code(),
            "a worker process, this program again, by '/proc/self/exe' (is /proc mounted?)");
    }
}

// True also when the deadline is so far off that the receiving itself may wait.
bool wait_until_readable(int fd, steady_clock::time_point deadline) {
    while (deadline != steady_clock::time_point::max()) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
        constexpr std::chrono::milliseconds longest = std::chrono::hours(24);
        pollfd polled{.fd = fd, .events = POLLIN, .revents = 0};
        const int timeout = static_cast<int>(std::clamp(left, left.zero(), longest).count());
        if (::poll(&polled, 1, timeout) > 0) {
            return true;
        }
        if (left <= left.zero()) {
            return false;
        }
    }
    return true;
}

}  // namespace

ChildProcess::~ChildProcess() {
    if (!is_reaped_ && pidfd_) {
        signal(SIGKILL);
        siginfo_t info = {};
        while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0 &&
               errno == EINTR) {
        }
    }
}

void ChildProcess::signal(int number) const noexcept {
    if (pidfd_) {
        ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0U);
    }
}

// Kernel: with SIGCHLD ignored, or when somebody has waited for all children, the status is gone.
std::string ChildProcess::reap() {
    siginfo_t info = {};
    int waited = -1;
    do {
        waited = pidfd_ ? ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) : -1;
    } while (waited != 0 && pidfd_ && errno == EINTR);
    is_reaped_ = true;
    if (waited != 0) {
        return "a status that somebody else has taken";
    }
    return info.si_code == CLD_EXITED ? fmt::format("exit status {}", info.si_status)
                                      : signal_name(info.si_status);
}

PoolWorker::Connected PoolWorker::connect() {
    auto [ours, its] = make_socket_pair();
    return {std::move(ours), spawn_worker(its.get())};
}

PoolWorker::PoolWorker(const std::string& initializer, std::uint64_t max_message_size)
    : PoolWorker(connect(), initializer, max_message_size) {}

PoolWorker::PoolWorker(Connected connected, const std::string& initializer,
                       std::uint64_t max_message_size)
    : socket_(std::move(connected.first)),
      process_(std::move(connected.second)),
      reader_(std::max(max_message_size, longest_exception)) {
    concurrent::ArchiveOut start;
    start(build_of_program(), max_message_size, !initializer.empty());
    start.write_bytes(initializer.data(), initializer.size());
    writer_.push(FrameKind::start, 0, std::move(start).bytes());
    send_more();
}

bool PoolWorker::send(SubmittedCall& call) {
    writer_.push(FrameKind::call, call.id, std::move(call.message));
    if (writer_.flush(socket_.get(), MSG_DONTWAIT) == FrameWriter::Flushed::lost) {
        call.message = writer_.take_back();
        return false;
    }
    call.message = {};
    if (calls.empty()) {
        begun = steady_clock::now();
    }
    ++call_count;
    calls.push_back(std::move(call));
    return true;
}

// That nobody reads any more is seen when it has ended.
void PoolWorker::send_more() {
    if (writer_.flush(socket_.get(), MSG_DONTWAIT) == FrameWriter::Flushed::lost) {
        writer_ = {};
    }
}

std::optional<Frame> PoolWorker::receive(steady_clock::time_point deadline) {
    while (refusal_.empty()) {
        if (std::optional<Frame> frame = reader_.next()) {
            return frame;
        }
        if (is_at_end_ || (deadline == now_only && has_taken_all_) ||
            (deadline != now_only && !wait_until_readable(socket_.get(), deadline))) {
            return std::nullopt;
        }
        const int flags = deadline == steady_clock::time_point::max() ? 0 : MSG_DONTWAIT;
        switch (reader_.fill(socket_.get(), flags)) {
            case FrameReader::Filled::some:
                has_taken_all_ = reader_.is_drained();
                break;
            case FrameReader::Filled::end:
                is_at_end_ = true;
                break;
            case FrameReader::Filled::nothing_yet:
                return std::nullopt;
        }
    }
    return std::nullopt;
}

void PoolWorker::end_receiving() noexcept { SystemCalls::real.shutdown(socket_.get(), SHUT_RD); }

void PoolWorker::refuse(const std::string& reason) {
    is_at_end_ = true;
    refusal_ = reason;
}

// shutdown(2), for a child of a fork() may hold the socket, too.
void PoolWorker::retire() noexcept {
    stage = Stage::retired;
    SystemCalls::real.shutdown(socket_.get(), SHUT_WR);
}

}  // namespace ringio::detail

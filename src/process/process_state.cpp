#include "process_state.hpp"

#include <ringio/core/op.hpp>
#include <ringio/ring/control_requests.hpp>

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <new>
#include <string>
#include <system_error>
#include <utility>

namespace ringio::detail {
namespace {

constexpr int status_taken = 255;  // asyncio's word for: somebody else has it

}  // namespace

ProcessState::ProcessState(EventLoop& loop) : anchor_(loop.machine().anchor()) {
    loop.machine().books().find_or_make<RunningProcesses>();
}

void ProcessState::watch(pid_t pid, UniqueFd pidfd, bool detached) noexcept {
    pid_ = pid;
    pidfd_ = std::move(pidfd);
    detached_ = detached;
    intrusive_add_ref(this);  // the books'
    anchor_->loop->machine().books().find<RunningProcesses>()->running.push_back(entry_);
    if (pidfd_) {
        poll();
    } else {
        set_ended(status_taken);
        report_status_taken();
    }
}

void ProcessState::poll() noexcept {
    intrusive_add_ref(this);  // the request's
    anchor_->loop->machine().ring().submit(*this);
}

void ProcessState::prepare(io_uring_sqe& sqe) noexcept {
    PollRequest{.fd = pidfd_.get(), .mask = POLLIN}.prepare(sqe);
}

void ProcessState::complete(int result, std::uint32_t) noexcept {
    const IntrusivePtr<ProcessState> in_flight(this, adopt);
    if (returncode_ || result == -ECANCELED) {  // the loop closes
        return;
    }
    if (!reap(Patience::none)) {
        poll();
    }
}

// Kernel: with SIGCHLD ignored, or when somebody has waited for all children, the status is gone,
// and waitid(2) says ECHILD.
bool ProcessState::reap(Patience patience) noexcept {
    siginfo_t info = {};
    const int options = WEXITED | (patience == Patience::none ? WNOHANG : 0);
    int waited = 0;
    do {
        waited = ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, options);
    } while (waited != 0 && errno == EINTR);
    if (waited != 0) {
        set_ended(status_taken);
        report_status_taken();
        return true;
    }
    if (info.si_pid == 0) {
        return false;
    }
    set_ended(info.si_code == CLD_EXITED ? info.si_status : -info.si_status);
    return true;
}

void ProcessState::set_ended(int returncode) noexcept {
    returncode_ = returncode;
    const IntrusivePtr<ProcessState> keep(this);
    leave_books();
    ended_.set();
}

void ProcessState::leave_books() noexcept {
    entry_.unlink();
    intrusive_release(this);
}

// Without memory for the report there is none.
void ProcessState::report_status_taken() noexcept {
    if (anchor_->loop == nullptr) {
        return;
    }
    try {
        anchor_->loop->call_exception_handler(
            {.message = "child process pid " + std::to_string(pid_) +
                        " exit status already read: will report returncode 255",
             .exception = nullptr,
             .details = {}});
    } catch (const std::bad_alloc&) {
    }
}

bool ProcessState::send_signal(int number) {
    if (returncode_) {
        return false;
    }
    if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0U) == 0) {
        return true;
    }
    if (errno == ESRCH) {
        return false;
    }
    throw std::system_error(
        errno, std::system_category(),
        "signal " + std::to_string(number) + " to process " + std::to_string(pid_));
}

void ProcessState::kill_now() noexcept {
    ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0U);
}

void ProcessState::abandon() noexcept {
    if (!returncode_ && !detached_ && !process_.is_left()) {
        kill_now();
    }
}

void ProcessState::end_with_loop() noexcept {
    if (detached_ || process_.is_left()) {
        leave_books();
        return;
    }
    kill_now();
    reap(Patience::until_it_ends);
}

RunningProcesses::~RunningProcesses() {
    while (!running.empty()) {
        running.front()->process.end_with_loop();
    }
}

}  // namespace ringio::detail

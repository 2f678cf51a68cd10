// ProcessState: one program that was started, until it is reaped. The books of a loop's programs.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/base/unique_fd.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/loop_books.hpp>
#include <ringio/ring/completion.hpp>
#include <ringio/ring/own_process.hpp>
#include <ringio/sync/event.hpp>

#include <cstdint>
#include <optional>

#include <sys/types.h>

namespace ringio::detail {

/// Waits for a program's end by a poll of its pidfd, reaps it, and keeps the status.
///
/// Legend: running -> (the poll tells) reaped; or running -> (the loop closes) killed and reaped,
/// or left alone if it is detached.
class ProcessState final : public Completion {
public:
    /// Its place in the books of the loop, as long as it runs.
    struct Entry : IntrusiveListHook {
        explicit Entry(ProcessState& of) noexcept : process(of) {}
        ProcessState& process;
    };

    explicit ProcessState(EventLoop& loop);

    /// Takes over a program that was just started, which the loop's books list from now on. Without
    /// a pidfd it has ended, and its status is another's.
    void watch(pid_t pid, UniqueFd pidfd, bool detached) noexcept;

    pid_t pid() const noexcept { return pid_; }
    const std::optional<int>& returncode() const noexcept { return returncode_; }
    /// Set when it was reaped.
    Event& ended() noexcept { return ended_; }
    /// *Errors*: std::system_error.
    bool send_signal(int number);

    /// Nobody has a handle any more: ends it, unless it is detached.
    void abandon() noexcept;
    /// The loop closes: ends it and waits until it has ended, or leaves it alone.
    void end_with_loop() noexcept;

    void prepare(io_uring_sqe& sqe) noexcept override;
    void complete(int result, std::uint32_t flags) noexcept override;

    friend void intrusive_add_ref(ProcessState* state) noexcept { ++state->references_; }
    friend void intrusive_release(ProcessState* state) noexcept {
        if (--state->references_ == 0) {
            delete state;
        }
    }

private:
    enum class Patience : unsigned char { none, until_it_ends };

    void poll() noexcept;
    void kill_now() noexcept;
    bool reap(Patience patience) noexcept;
    void set_ended(int returncode) noexcept;
    void report_status_taken() noexcept;
    void leave_books() noexcept;

    IntrusivePtr<LoopAnchor> anchor_;
    Entry entry_{*this};
    OwnProcess process_;  // the child of a fork() has not started it
    UniqueFd pidfd_;
    Event ended_;
    std::optional<int> returncode_;
    pid_t pid_ = -1;
    std::uint32_t references_ = 0;
    bool detached_ = false;
};

/// The programs of a loop that were not reaped yet; ends them with it.
struct RunningProcesses final : EndsWithLoop {
    ~RunningProcesses() override;

    IntrusiveList<ProcessState::Entry> running;  // each is held
};

}  // namespace ringio::detail

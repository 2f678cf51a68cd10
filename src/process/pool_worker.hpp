// PoolWorker: a worker process, as its pool sees it.
#pragma once

#include <ringio/base/unique_fd.hpp>
#include <ringio/process/process_pool_executor.hpp>

#include "frame.hpp"
#include "spawn.hpp"

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <sys/types.h>

namespace ringio::detail {

/// A call that has been submitted.
struct SubmittedCall {
    std::uint64_t id = 0;
    std::unique_ptr<PendingCall> pending;
    std::string message;         // until a worker has it
    CodePointer code = nullptr;  // what it calls, for reports
    bool has_begun = false;      // its future runs
};

/// A process that this one has started; killed, and reaped, when nobody has done so before.
class ChildProcess {
public:
    explicit ChildProcess(Spawned spawned) noexcept
        : pid_(spawned.pid), pidfd_(std::move(spawned.pidfd)) {}
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess();

    pid_t pid() const noexcept { return pid_; }
    /// None: it has ended, and somebody else has its status.
    int pidfd() const noexcept { return pidfd_.get(); }
    void signal(int number) const noexcept;
    /// Waits for its end; returns how it came: "exit status 3", "SIGKILL".
    std::string reap();

private:
    pid_t pid_;
    UniqueFd pidfd_;
    bool is_reaped_ = false;
};

/// Legend: starting -> (ready) serving -> retired; any -> ended. Whoever has the pool's lock may
/// send. One thread at a time listens, unlocked: the manager, or one that waits for the only call
/// which the worker has. Only the manager reaps and destroys.
class PoolWorker {
public:
    enum class Stage : unsigned char { starting, serving, retired };

    /// Starts a process that first makes the call `initializer` (empty: none).
    /// *Errors*: std::system_error.
    PoolWorker(const std::string& initializer, std::uint64_t max_message_size);

    ChildProcess& process() noexcept { return process_; }
    const ChildProcess& process() const noexcept { return process_; }
    int socket() const noexcept { return socket_.get(); }

    /// As a deadline: what there is already.
    static constexpr auto now_only = std::chrono::steady_clock::time_point::min();

    bool is_idle() const noexcept { return stage == Stage::serving && calls.empty(); }
    /// One that has ended may be idle: the answer to its last call has just come.
    bool takes_calls() const noexcept {
        return stage == Stage::serving && !has_ended && !is_lost && !is_killed;
    }

    /// Gives it a call, and sends what the socket takes of it. False: it has ended without having
    /// read the call, which is as it was.
    bool send(SubmittedCall& call);
    /// Goes on with what it did not take.
    void send_more();
    bool has_more_to_send() const noexcept { return !writer_.empty(); }

    /// To be called before receive(), when there may be more than was taken the last time.
    void begin_receiving() noexcept { has_taken_all_ = false; }
    /// The next frame, waited for until `deadline`; null: none has come, or none will come.
    /// *Errors*: ArchiveError for what is none.
    std::optional<Frame> receive(std::chrono::steady_clock::time_point deadline);
    FrameBody take_body(const Frame& frame) { return reader_.take_body(frame); }
    bool has_buffered() const noexcept { return reader_.has_buffered(); }
    /// Ends the wait of whoever is in receive(), when what has come was taken.
    void end_receiving() noexcept;
    bool is_at_end() const noexcept { return is_at_end_; }
    /// Listens to it no more, for it has sent what it should not.
    void refuse(const std::string& reason);
    const std::string& refusal() const noexcept { return refusal_; }

    /// Lets it go: it ends when it has made its calls.
    void retire() noexcept;

    // Guarded by the pool's lock.
    Stage stage = Stage::starting;
    std::list<SubmittedCall> calls;  // that it has, in their order
    std::uint64_t call_count = 0;
    std::chrono::steady_clock::time_point begun;  // when it got its first call, or began the next
    bool is_killed = false;                       // for a future that was cancelled
    bool is_listened_to = false;                  // by somebody
    bool is_waited_for = false;  // by a thread that waits for its call: the manager is not to
    bool has_ended = false;      // but is not reaped yet
    bool is_unread = false;      // the manager is to take what was received, but not looked at
    bool is_lost = false;        // nobody can talk to it any more
    /// The events of its socket that the manager waits for; none: for ever.
    std::optional<std::uint32_t> watched;

private:
    // Our end of the socket, and the process that has the other one.
    using Connected = std::pair<UniqueFd, Spawned>;
    static Connected connect();
    PoolWorker(Connected connected, const std::string& initializer, std::uint64_t max_message_size);

    UniqueFd socket_;
    ChildProcess process_;
    FrameReader reader_;
    FrameWriter writer_;
    bool is_at_end_ = false;
    bool has_taken_all_ = false;
    std::string refusal_;
};

}  // namespace ringio::detail

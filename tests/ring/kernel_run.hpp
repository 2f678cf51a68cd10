// Runs a generated program on a kernel, checks what must hold on any, and returns what must be the
// same on all.
#pragma once

#include "kernel_channel.hpp"
#include "kernel_contract.hpp"
#include "kernel_program.hpp"
#include "kernel_sockets.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <poll.h>

namespace ringio::testing {

/// What a program did. `wrong` is empty when nothing was.
struct RunLog {
    std::vector<std::string> outcomes;  // of each request, by the number of its step
    std::vector<std::string> bytes;     // of each channel
    std::string wrong;
};

class ProgramRun {
public:
    ProgramRun(const Program& program, const KernelUnderTest& kernel)
        : program_(program), driver_(kernel, 8, 16) {
        for (const ChannelKind kind : program.channels) {
            channels_.push_back(std::make_unique<Channel>(kind));
        }
        driver_.buffers(8);
    }

    RunLog run() {
        for (const Step& step : program_.steps) {
            perform(step);
            if (program_.settled) {
                settle();
            } else {
                take_results();
            }
        }
        settle();
        for (Asked& asked : asked_) {
            asked.may_be_cancelled = true;
        }
        note_outcomes();
        driver_.finish();
        take_results();
        check_ends();
        return log_;
    }

private:
    struct Asked {
        Step step;
        Driver::Id id = 0;
        std::array<char, 32> memory{};
        iovec part{};
        msghdr message{};
        bool taken = false;
        bool may_be_cancelled = false;
    };

    static bool reads(StepKind kind) { return kind <= StepKind::read; }
    static bool sends(StepKind kind) {
        return kind == StepKind::send || kind == StepKind::sendmsg || kind == StepKind::write;
    }
    static bool polls(StepKind kind) {
        return kind == StepKind::poll_in || kind == StepKind::poll_out;
    }
    static bool inward(StepKind kind) { return reads(kind) || kind == StepKind::poll_in; }

    // Of two that wait for the same bytes either may get them: a settled program has one that
    // waits for a direction, or polls alone.
    bool is_clear(const Step& step) const {
        if (!program_.settled || step.kind == StepKind::nop || step.kind == StepKind::fsync ||
            step.kind == StepKind::shutdown) {
            return true;
        }
        if (!inward(step.kind) && !may_wait_for_room(*channels_[step.channel])) {
            return false;
        }
        return std::ranges::none_of(asked_, [&](const Asked& other) {
            const bool told_of_end = polls(other.step.kind) && channels_[step.channel]->ending;
            return other.step.channel == step.channel &&
                   (!driver_.is_over(other.id) || told_of_end) &&
                   inward(other.step.kind) == inward(step.kind) &&
                   !(polls(other.step.kind) && polls(step.kind));
        });
    }

    // Kernel: on a connection that the other side has half closed io_uring waits for room in a
    // thread, which ends when it likes. A settled program has none that waits so.
    bool may_wait_for_room(const Channel& channel) const {
        return !program_.settled || !channel.ending || channel.gone || channel.filled == 0;
    }
    bool may_end(const Step& step) const {
        return !program_.settled || step.kind != StepKind::peer_shutdown ||
               std::ranges::none_of(asked_, [&](const Asked& asked) {
                   return asked.step.channel == step.channel && !inward(asked.step.kind) &&
                          !driver_.is_over(asked.id);
               });
    }

    void perform(const Step& step) {
        Channel& channel = *channels_[step.channel];
        if (step.kind <= StepKind::nop) {
            if (is_clear(step)) {
                submit(step, channel);
            }
            return;
        }
        switch (step.kind) {
            case StepKind::cancel:
                for (Asked& asked : asked_) {
                    if (asked.step.number == step.target && !driver_.is_over(asked.id)) {
                        asked.may_be_cancelled = true;
                        driver_.cancel(asked.id);
                    }
                }
                return;
            case StepKind::cancel_all:
                for (Asked& asked : asked_) {
                    asked.may_be_cancelled = true;
                }
                driver_.cancel_all();
                return;
            case StepKind::enter:
                driver_.enter();
                return;
            default:
                if (may_end(step)) {
                    channel.perform(step);
                }
        }
    }

    void submit(const Step& step, Channel& channel) {
        Asked& asked = asked_.emplace_back();
        asked.step = step;
        const int fd = channel.fd();
        char* const memory = asked.memory.data();
        const std::size_t size = channel.kind == ChannelKind::event ? 8 : step.size;
        const std::uint64_t offset = channel.kind == ChannelKind::file
                                         ? std::uint64_t{step.number % 8U} * 16
                                         : current_position;
        asked.part = {memory, size};
        asked.message.msg_iov = &asked.part;
        asked.message.msg_iovlen = 1;
        if (sends(step.kind)) {
            asked.memory.fill(static_cast<char>(step.number));
        }
        asked.id = driver_.submit([&](io_uring_sqe& sqe) {
            switch (step.kind) {
                case StepKind::recv:
                    return RecvRequest{fd, memory, size}.prepare(sqe);
                case StepKind::recv_waitall:
                    channel.torn = true;
                    return RecvRequest{fd, memory, size, MSG_WAITALL}.prepare(sqe);
                case StepKind::recv_multishot:
                    return RecvMultishotRequest{fd, 0}.prepare(sqe);
                case StepKind::recvmsg:
                    return RecvMsgRequest{fd, &asked.message}.prepare(sqe);
                case StepKind::read:
                    return ReadRequest{fd, memory, size, offset}.prepare(sqe);
                case StepKind::send:
                    return SendRequest{fd, memory, size}.prepare(sqe);
                case StepKind::sendmsg:
                    return SendMsgRequest{fd, &asked.message}.prepare(sqe);
                case StepKind::write:
                    return WriteRequest{fd, memory, size, offset}.prepare(sqe);
                case StepKind::poll_in:
                    return PollRequest{fd, POLLIN}.prepare(sqe);
                case StepKind::poll_out:
                    return PollRequest{fd, POLLOUT}.prepare(sqe);
                case StepKind::shutdown:
                    channel.shut = true;
                    return ShutdownRequest{fd, SHUT_WR}.prepare(sqe);
                case StepKind::fsync:
                    return FsyncRequest{fd}.prepare(sqe);
                default:
                    return NopRequest{}.prepare(sqe);
            }
        });
    }

    // Until nothing more happens: what waits needs somebody else's step; what a thread does, as
    // io_uring's shutdown, needs none.
    void settle() {
        driver_.turn(4);
        for (const Asked& asked : asked_) {
            if (channels_[asked.step.channel]->kind == ChannelKind::file ||
                asked.step.kind == StepKind::shutdown || is_with_worker(asked)) {
                driver_.until_over(asked.id);
            } else if (asked.may_be_cancelled && !driver_.is_over(asked.id)) {
                driver_.cancelled_result_of(asked.id);  // a thread may have it, too
            }
        }
        driver_.turn(2);  // and what came of that
        take_results();
    }

    // Kernel: before 6.4 io_uring leaves reads and writes of a pipe that are possible to a thread.
    bool is_with_worker(const Asked& asked) const {
        const Channel& channel = *channels_[asked.step.channel];
        const bool is_pipe =
            channel.kind == ChannelKind::pipe_in || channel.kind == ChannelKind::pipe_out;
        if (!program_.settled || !is_pipe ||
            (asked.step.kind != StepKind::read && asked.step.kind != StepKind::write)) {
            return false;
        }
        const auto events = static_cast<short>(sends(asked.step.kind) ? POLLOUT : POLLIN);
        pollfd entry{channel.fd(), events, 0};
        return ::poll(&entry, 1, 0) > 0;
    }

    void take_results() {
        for (Asked& asked : asked_) {
            Channel& channel = *channels_[asked.step.channel];
            if (asked.step.kind == StepKind::recv_multishot) {
                for (std::string bytes = driver_.take_bytes(asked.id); !bytes.empty();
                     bytes = driver_.take_bytes(asked.id)) {
                    channel.received.push_back(bytes);
                }
            }
            if (driver_.is_over(asked.id) && !asked.taken) {
                asked.taken = true;
                take_result(asked, channel, driver_.result(asked.id));
            }
        }
    }

    void take_result(Asked& asked, Channel& channel, int result) {
        const StepKind kind = asked.step.kind;
        const auto size = static_cast<std::size_t>(std::max(result, 0));
        if (reads(kind) && result > 0 && kind != StepKind::recv_multishot) {
            if (channel.kind == ChannelKind::event) {
                std::uint64_t value = 0;
                std::copy_n(asked.memory.data(), 8, reinterpret_cast<char*>(&value));
                channel.counted += value;
            } else if (channel.kind != ChannelKind::file) {
                channel.received.emplace_back(asked.memory.data(), size);
            }
        }
        if (sends(kind) && result > 0) {
            channel.accepted += size;
        }
        check_result(asked, channel, result);
    }

    // What a request may answer, given what was done.
    void check_result(const Asked& asked, const Channel& channel, int result) {
        const StepKind kind = asked.step.kind;
        const int most = channel.kind == ChannelKind::event ? 8 : asked.step.size;
        bool right = is_one_of(cancel_results, result) && asked.may_be_cancelled;
        if (polls(kind)) {
            right = right || result > 0;
        } else if (reads(kind)) {
            const bool multishot = kind == StepKind::recv_multishot;
            right = right || (result > 0 && (result <= most || multishot)) ||
                    (result == 0 && (channel.ending || channel.kind == ChannelKind::file)) ||
                    (result == -ECONNRESET && channel.gone) || (result == -ENOBUFS && multishot);
        } else if (sends(kind)) {
            // Kernel: before 6.4 a thread may write to the pipe while fill() makes it O_NONBLOCK.
            const bool caught = channel.kind == ChannelKind::pipe_out && channel.filled != 0 &&
                                !Features::pipes_never_wait();
            right = right || (result > 0 && result <= most) || (result == -EAGAIN && caught) ||
                    (is_one_of({-EPIPE, -ECONNRESET}, result) && (channel.gone || channel.shut));
        } else {
            right = right || result == 0 ||
                    (kind == StepKind::shutdown && result == -ENOTCONN && channel.ending);
        }
        if (!right) {
            log_.wrong += "step " + std::to_string(asked.step.number) + " ends with " +
                          std::to_string(result) + '\n';
        }
    }

    std::string outcome_of(const Asked& asked) const {
        const Channel& channel = *channels_[asked.step.channel];
        if (polls(asked.step.kind) && channel.ending) {
            return "";  // Kernel: POLLRDHUP is told by io_uring to those who did not ask
        }
        if (!driver_.is_over(asked.id)) {
            return "waits";
        }
        const int result = driver_.result(asked.id);
        // After the end either side of a connection may be the one that is told how it came.
        return is_one_of(cancel_results, result)                        ? "cancelled"
               : is_one_of({-ECONNRESET, -EPIPE, -ENOTCONN, 0}, result) ? "over"
               : result > 0                                             ? "done"
                                                                        : std::to_string(result);
    }

    void note_outcomes() {
        for (const Asked& asked : asked_) {
            log_.outcomes.push_back(std::to_string(asked.step.number) + " " + outcome_of(asked));
        }
    }

    void check_ends() {
        for (std::size_t at = 0; at < channels_.size(); ++at) {
            std::string complaint;
            log_.bytes.push_back(channels_[at]->check(complaint));
            if (!complaint.empty()) {
                log_.wrong += "channel " + std::to_string(at) + ": " + complaint;
            }
        }
    }

    const Program& program_;
    std::vector<std::unique_ptr<Channel>> channels_;
    std::deque<Asked> asked_;
    NoSigpipe no_sigpipe_;
    RunLog log_;
    Driver driver_;  // last: what is in flight points to the others
};

inline RunLog run_program(const Program& program, const KernelUnderTest& kernel) {
    return ProgramRun(program, kernel).run();
}

}  // namespace ringio::testing

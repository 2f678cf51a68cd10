// Runs a generated program on a kernel, checks what must hold on any, and returns what must be the
// same on all.
#pragma once

#include "kernel_contract.hpp"
#include "kernel_program.hpp"
#include "kernel_sockets.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/mman.h>

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
    // The bytes that the other side writes are their positions, so each is known by its value. The
    // bytes that our side sends are the numbers of the steps.
    struct Channel {
        explicit Channel(ChannelKind of) : kind(of) {
            switch (of) {
                case ChannelKind::local:
                case ChannelKind::tcp:
                    ends = Ends::sockets(of == ChannelKind::tcp ? Family::tcp : Family::local);
                    set_small_buffers(ends);
                    break;
                case ChannelKind::pipe_in:
                    ends = Ends::pipe();
                    break;
                case ChannelKind::pipe_out:
                    ends = Ends::pipe();
                    ends.near.swap(ends.far);
                    break;
                case ChannelKind::event:
                    ends.near.reset(::eventfd(0, EFD_CLOEXEC));
                    break;
                case ChannelKind::file:
                    ends.near.reset(::memfd_create("ringio", MFD_CLOEXEC));
                    break;
            }
        }
        bool is_socket() const { return kind == ChannelKind::local || kind == ChannelKind::tcp; }
        int fd() const { return ends.near.get(); }

        ChannelKind kind;
        Ends ends;
        std::size_t written = 0;            // by the other side
        std::vector<std::string> received;  // by our requests
        std::string arrived;                // at the other side
        std::size_t filled = 0;
        std::size_t accepted_bytes = 0;  // of ours, by the results
        bool ending = false;             // the other side sends no more, or is gone
        bool gone = false;               // it does not receive either
        bool was_reset = false;
        bool shut = false;  // by a request
        bool torn = false;  // a receive goes on while others take what comes
        std::uint64_t counted = 0;
        std::uint64_t added = 0;
    };

    struct Asked {
        Step step;
        Driver::Id id = 0;
        std::array<char, 32> memory{};
        iovec part{};
        msghdr message{};
        bool taken = false;
        bool may_be_cancelled = false;
        bool channel_was_ending = false;
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
        return std::ranges::none_of(asked_, [&](const Asked& other) {
            const bool told_of_end = polls(other.step.kind) && channels_[step.channel]->ending;
            return other.step.channel == step.channel &&
                   (!driver_.is_over(other.id) || told_of_end) &&
                   inward(other.step.kind) == inward(step.kind) &&
                   !(polls(other.step.kind) && polls(step.kind));
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
                return perform_beside(step, channel);
        }
    }

    void perform_beside(const Step& step, Channel& channel) {
        if (channel.kind == ChannelKind::event) {
            channel.added += step.size;
            REQUIRE(::eventfd_write(channel.fd(), step.size) == 0);
            return;
        }
        if (step.kind == StepKind::fill) {
            if (!channel.gone && !channel.shut) {
                channel.filled += fill(channel.fd());
            }
            return;
        }
        if (!channel.ends.far) {
            return;
        }
        switch (step.kind) {
            case StepKind::peer_write:
                peer_write(step, channel);
                break;
            case StepKind::peer_read:
                channel.arrived += read_now(channel.ends.far.get());
                break;
            case StepKind::peer_shutdown:
                if (::shutdown(channel.ends.far.get(), SHUT_WR) == 0) {
                    channel.ending = true;
                    await(channel, POLLRDHUP);
                }
                break;
            default:
                channel.arrived += read_now(channel.ends.far.get());
                channel.ending = channel.gone = true;
                channel.was_reset = step.kind == StepKind::peer_reset;
                channel.was_reset ? reset_connection(channel.ends.far) : channel.ends.far.reset();
                await(channel, channel.is_socket() ? POLLRDHUP : 0);
                break;
        }
    }

    void peer_write(const Step& step, Channel& channel) {
        std::string bytes;
        for (std::size_t at = channel.written; bytes.size() < step.size && at < 250; ++at) {
            bytes += static_cast<char>(at);
        }
        if (channel.ending || channel.shut || bytes.empty()) {
            return;
        }
        set_non_blocking(channel.ends.far.get(), true);
        const ssize_t n = ::write(channel.ends.far.get(), bytes.data(), bytes.size());
        set_non_blocking(channel.ends.far.get(), false);
        if (n > 0) {
            channel.written += static_cast<std::size_t>(n);
            await(channel, POLLIN);
        }
    }

    // What goes over the network stack is there when it is seen. Kernel: TCP sends late what it
    // could not send while the other direction was full.
    static void await(const Channel& channel, short events) {
        if (channel.kind == ChannelKind::tcp && channel.filled == 0) {
            pollfd entry{channel.fd(), events, 0};
            ::poll(&entry, 1, 1000);
        }
    }

    void submit(const Step& step, Channel& channel) {
        Asked& asked = asked_.emplace_back();
        asked.step = step;
        asked.channel_was_ending = channel.ending;
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
                asked.step.kind == StepKind::shutdown) {
                driver_.until_over(asked.id);
            } else if (asked.may_be_cancelled && !driver_.is_over(asked.id)) {
                driver_.cancelled_result_of(asked.id);  // a thread may have it, too
            }
        }
        take_results();
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
            channel.accepted_bytes += size;
        }
        check_result(asked, channel, result);
    }

    // What a request may answer, given what was done.
    void check_result(const Asked& asked, const Channel& channel, int result) {
        const StepKind kind = asked.step.kind;
        const int most = channel.kind == ChannelKind::event ? 8 : asked.step.size;
        bool right = is_one_of(cancelled, result) && asked.may_be_cancelled;
        if (polls(kind)) {
            right = right || result > 0;
        } else if (reads(kind)) {
            const bool multishot = kind == StepKind::recv_multishot;
            right = right || (result > 0 && (result <= most || multishot)) ||
                    (result == 0 && (channel.ending || channel.kind == ChannelKind::file)) ||
                    (result == -ECONNRESET && channel.gone) || (result == -ENOBUFS && multishot);
        } else if (sends(kind)) {
            right = right || (result > 0 && result <= most) ||
                    (is_one_of({-EPIPE, -ECONNRESET}, result) && (channel.gone || channel.shut));
        } else {
            right = right || result == 0 ||
                    (kind == StepKind::shutdown && result == -ENOTCONN && channel.ending);
        }
        if (!right) {
            wrong() << "step " << int{asked.step.number} << " ends with " << result;
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
        return is_one_of(cancelled, result)                             ? "cancelled"
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
            Channel& channel = *channels_[at];
            switch (channel.kind) {
                case ChannelKind::event:
                    check_event(at, channel);
                    break;
                case ChannelKind::file:
                    check_file(channel);
                    break;
                default:
                    check_stream(at, channel);
            }
        }
    }

    void check_event(std::size_t at, Channel& channel) {
        set_non_blocking(channel.fd(), true);
        std::uint64_t left = 0;
        if (::eventfd_read(channel.fd(), &left) == 0) {
            channel.counted += left;
        }
        if (channel.counted != channel.added) {
            wrong() << "channel " << at << " counted " << channel.counted << " of "
                    << channel.added;
        }
        log_.bytes.push_back(std::to_string(channel.counted));
    }

    void check_file(const Channel& channel) {
        std::string content(200, '\0');
        const ssize_t size = ::pread(channel.fd(), content.data(), content.size(), 0);
        content.resize(static_cast<std::size_t>(size));
        log_.bytes.push_back(content);
    }

    // What no request received.
    static void take_rest(Channel& channel) {
        std::size_t missing = channel.written;
        for (const std::string& part : channel.received) {
            missing -= part.size();
        }
        for (int time = 0; missing != 0 && time < (channel.was_reset ? 2 : 20); ++time) {
            if (channel.ends.far) {
                channel.arrived += read_now(channel.ends.far.get());
            }
            pollfd entry{channel.fd(), POLLIN, 0};
            ::poll(&entry, 1, 1000);
            const std::string part = read_now(channel.fd());  // an error may come first
            channel.received.push_back(part);
            missing -= part.size();
        }
    }

    // Each byte that the other side wrote was received once or is still there; those of one receive
    // follow each other, save with MSG_WAITALL. What a reset took away is missing at the end.
    void check_stream(std::size_t at, Channel& channel) {
        if (channel.kind != ChannelKind::pipe_out) {
            take_rest(channel);
            std::vector<int> seen(256, 0);
            for (const std::string& part : channel.received) {
                for (std::size_t i = 0; i < part.size(); ++i) {
                    ++seen[static_cast<unsigned char>(part[i])];
                    if (i > 0 && !channel.torn &&
                        static_cast<unsigned char>(part[i]) !=
                            static_cast<unsigned char>(part[i - 1]) + 1) {
                        wrong() << "channel " << at << ": bytes of one receive are torn";
                    }
                }
            }
            for (std::size_t i = 0; i < seen.size(); ++i) {
                if (seen[i] > 1 || (seen[i] == 0 && i < channel.written && !channel.was_reset) ||
                    (seen[i] == 1 && i >= channel.written)) {
                    wrong() << "channel " << at << ": byte " << i << " was received " << seen[i]
                            << " times, of " << channel.written;
                }
            }
        }
        if (channel.ends.far) {
            for (std::string more = read_now(channel.ends.far.get()); !more.empty();
                 more = read_now(channel.ends.far.get())) {
                channel.arrived += more;
            }
            if (channel.kind != ChannelKind::pipe_in && channel.kind != ChannelKind::tcp &&
                channel.arrived.size() != channel.filled + channel.accepted_bytes) {
                wrong() << "channel " << at << ": " << channel.arrived.size()
                        << " bytes arrived of " << channel.filled + channel.accepted_bytes;
            }
        }
        std::erase(channel.arrived, 'f');
        log_.bytes.push_back(channel.was_reset ? "" : std::to_string(channel.written));
        if (!channel.gone) {
            log_.bytes.push_back(channel.arrived);
        }
    }

    struct Complaint {
        explicit Complaint(std::string& to) : to_(to) {}
        Complaint(const Complaint&) = delete;
        Complaint& operator=(const Complaint&) = delete;
        ~Complaint() { to_ += text_.str() + '\n'; }
        template <class T>
        Complaint& operator<<(const T& value) {
            text_ << value;
            return *this;
        }

    private:
        std::string& to_;
        std::ostringstream text_;
    };
    Complaint wrong() { return Complaint(log_.wrong); }

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

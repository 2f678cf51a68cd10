// Generated programs for kernels: what is done to a few descriptors, by requests and by the other
// side, as a list of steps of which any may be left out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace ringio::testing {

enum class ChannelKind : std::uint8_t { local, tcp, pipe_in, pipe_out, event, file };
inline constexpr std::array<std::string_view, 6> channel_names = {"unix",     "tcp",   "pipe_in",
                                                                  "pipe_out", "event", "file"};

enum class StepKind : std::uint8_t {
    // Requests.
    recv,
    recv_waitall,
    recv_multishot,
    recvmsg,
    read,
    send,
    sendmsg,
    write,
    poll_in,
    poll_out,
    shutdown,
    fsync,
    nop,
    // What becomes of them.
    cancel,
    cancel_all,
    enter,
    // The other side, and what is done to ours beside the kernel.
    peer_write,
    peer_read,
    peer_shutdown,
    peer_close,
    peer_reset,
    fill,
};
inline constexpr std::array<std::string_view, 22> step_names = {
    "recv",          "recv_waitall", "recv_multishot", "recvmsg",  "read",       "send",
    "sendmsg",       "write",        "poll_in",        "poll_out", "shutdown",   "fsync",
    "nop",           "cancel",       "cancel_all",     "enter",    "peer_write", "peer_read",
    "peer_shutdown", "peer_close",   "peer_reset",     "fill"};

struct Step {
    StepKind kind;
    std::uint8_t channel = 0;
    std::uint8_t size = 0;    // bytes
    std::uint8_t number = 0;  // in the program as it was generated
    std::uint8_t target = 0;  // of a cancel: the number of a step
};

struct Program {
    std::vector<ChannelKind> channels;
    std::vector<Step> steps;
    bool settled = false;  // everything that can happen does, after each step
};

inline std::string to_string(const Program& program) {
    std::ostringstream text;
    text << (program.settled ? "settled," : "as it comes,");
    for (const ChannelKind kind : program.channels) {
        text << ' ' << channel_names[static_cast<std::size_t>(kind)];
    }
    for (const Step& step : program.steps) {
        text << "\n  " << int{step.number} << ": "
             << step_names[static_cast<std::size_t>(step.kind)] << " channel " << int{step.channel}
             << " size " << int{step.size};
        if (step.kind == StepKind::cancel) {
            text << " target " << int{step.target};
        }
    }
    return text.str();
}

/// SplitMix64: the same numbers everywhere.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e37'79b9'7f4a'7c15);
        z = (z ^ z >> 30U) * 0xbf58'476d'1ce4'e5b9;
        z = (z ^ z >> 27U) * 0x94d0'49bb'1331'11eb;
        return z ^ z >> 31U;
    }
    /// Less than `limit`.
    std::uint8_t below(std::size_t limit) { return static_cast<std::uint8_t>(next() % limit); }
    template <class T>
    const T& one_of(const std::vector<T>& values) {
        return values[next() % values.size()];
    }

private:
    std::uint64_t state_;
};

inline const std::vector<StepKind>& steps_on(ChannelKind kind) {
    using enum StepKind;
    static const std::vector<StepKind> socket = {
        recv,       recv,       recv_waitall, recv_multishot, recvmsg,       read,       send,
        send,       sendmsg,    poll_in,      poll_out,       shutdown,      peer_write, peer_write,
        peer_write, peer_write, peer_read,    peer_read,      peer_shutdown, peer_close, fill};
    static const std::vector<StepKind> tcp = [] {
        std::vector<StepKind> all = socket;
        all.push_back(peer_reset);
        return all;
    }();
    static const std::vector<StepKind> pipe_in = {read,       read,       poll_in,
                                                  peer_write, peer_write, peer_close};
    static const std::vector<StepKind> pipe_out = {write,     write,     poll_out,  fill,
                                                   peer_read, peer_read, peer_close};
    static const std::vector<StepKind> event = {read, poll_in, peer_write, peer_write};
    static const std::vector<StepKind> file = {read, write, write, fsync, poll_in};
    switch (kind) {
        case ChannelKind::local:
            return socket;
        case ChannelKind::tcp:
            return tcp;
        case ChannelKind::pipe_in:
            return pipe_in;
        case ChannelKind::pipe_out:
            return pipe_out;
        case ChannelKind::event:
            return event;
        case ChannelKind::file:
            break;
    }
    return file;
}

/// At most 40 steps over at most 6 descriptors. In a settled program TCP's room for more bytes
/// plays no part: it is not the same each time.
inline Program generate(std::uint64_t seed) {
    Random random(seed);
    Program program;
    program.settled = random.below(2) == 0;
    const std::size_t channels = 1 + random.below(6);
    for (std::size_t at = 0; at < channels; ++at) {
        program.channels.push_back(static_cast<ChannelKind>(random.below(channel_names.size())));
    }
    const std::size_t steps = 3 + random.below(38);
    for (std::size_t at = 0; at < steps; ++at) {
        Step step{};
        step.number = static_cast<std::uint8_t>(at);
        step.channel = random.below(channels);
        step.size = static_cast<std::uint8_t>(1 + random.below(16));
        const std::uint8_t chance = random.below(20);
        if (chance < 4 && !program.settled) {
            step.kind = StepKind::enter;
        } else if (chance < 7 && at > 0) {
            step.kind = StepKind::cancel;
            step.target = random.below(at);
        } else if (chance == 7) {
            step.kind = random.below(4) == 0 ? StepKind::cancel_all : StepKind::nop;
        } else {
            step.kind = random.one_of(steps_on(program.channels[step.channel]));
        }
        if (program.settled && step.kind == StepKind::fill &&
            program.channels[step.channel] == ChannelKind::tcp) {
            step.kind = StepKind::peer_read;
        }
        program.steps.push_back(step);
    }
    return program;
}

}  // namespace ringio::testing

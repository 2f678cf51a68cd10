// A descriptor of a generated program, with its other side, and the books of the bytes that went
// through it. What the other side writes are positions, so that each byte is known by its value;
// what our requests send are the numbers of their steps.
#pragma once

#include "kernel_program.hpp"
#include "kernel_sockets.hpp"

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/mman.h>

namespace ringio::testing {

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

    int fd() const { return ends.near.get(); }
    bool is_socket() const { return kind == ChannelKind::local || kind == ChannelKind::tcp; }

    /// What is done beside the kernel.
    void perform(const Step& step) {
        if (kind == ChannelKind::event) {
            added += step.size;
            REQUIRE(::eventfd_write(fd(), step.size) == 0);
        } else if (step.kind == StepKind::fill) {
            filled += gone || shut ? 0 : fill(fd());
        } else if (ends.far) {
            perform_there(step);
        }
    }

    /// At the end: returns what is the same on all kernels. Appends to `wrong` what may not be.
    std::string check(std::string& wrong) {
        switch (kind) {
            case ChannelKind::event:
                return check_event(wrong);
            case ChannelKind::file: {
                std::string content(200, '\0');
                content.resize(
                    static_cast<std::size_t>(::pread(fd(), content.data(), content.size(), 0)));
                return content;
            }
            case ChannelKind::pipe_in:
                check_incoming(wrong);
                break;
            case ChannelKind::pipe_out:
                check_outgoing(wrong);
                break;
            case ChannelKind::local:
            case ChannelKind::tcp:
                check_incoming(wrong);
                check_outgoing(wrong);
                break;
        }
        std::erase(arrived, 'f');
        return (was_reset ? "" : std::to_string(written)) + '/' + (gone ? "" : arrived);
    }

    ChannelKind kind;
    Ends ends;
    std::size_t written = 0;            // by the other side
    std::vector<std::string> received;  // by our requests
    std::string arrived;                // at the other side
    std::size_t filled = 0;
    std::size_t accepted = 0;  // of our bytes, by the results
    bool ending = false;       // the other side sends no more, or is gone
    bool gone = false;         // it does not receive either
    bool was_reset = false;
    bool shut = false;  // by a request
    bool torn = false;  // a receive goes on while others take what comes
    std::uint64_t counted = 0;
    std::uint64_t added = 0;

private:
    void perform_there(const Step& step) {
        switch (step.kind) {
            case StepKind::peer_write:
                return write_there(step.size);
            case StepKind::peer_read:
                arrived += read_now(ends.far.get());
                return;
            case StepKind::peer_shutdown:
                if (::shutdown(ends.far.get(), SHUT_WR) == 0) {
                    ending = true;
                    await(POLLRDHUP);
                }
                return;
            default:
                arrived += read_now(ends.far.get());
                ending = gone = true;
                was_reset = step.kind == StepKind::peer_reset;
                was_reset ? reset_connection(ends.far) : ends.far.reset();
                await(POLLRDHUP);
        }
    }

    void write_there(std::size_t size) {
        constexpr std::size_t most = 250;  // a byte says no more
        std::string bytes;
        for (std::size_t at = written; bytes.size() < size && at < most; ++at) {
            bytes += static_cast<char>(at);
        }
        if (ending || shut || bytes.empty()) {
            return;
        }
        set_non_blocking(ends.far.get(), true);
        const ssize_t n = ::write(ends.far.get(), bytes.data(), bytes.size());
        set_non_blocking(ends.far.get(), false);
        if (n > 0) {
            written += static_cast<std::size_t>(n);
            await(POLLIN);
        }
    }

    // What goes over the network stack is there when it is seen. Kernel: TCP sends late what it
    // could not send while the other direction was full.
    void await(short events) const {
        if (kind == ChannelKind::tcp && filled == 0) {
            pollfd entry{fd(), events, 0};
            ::poll(&entry, 1, 1000);
        }
    }

    std::string check_event(std::string& wrong) {
        set_non_blocking(fd(), true);
        std::uint64_t left = 0;
        if (::eventfd_read(fd(), &left) == 0) {
            counted += left;
        }
        if (counted != added) {
            wrong += "an eventfd counted " + std::to_string(counted) + " of " +
                     std::to_string(added) + '\n';
        }
        return std::to_string(counted);
    }

    // What no request received.
    void take_rest() {
        std::size_t missing = written;
        for (const std::string& part : received) {
            missing -= part.size();
        }
        for (int time = 0; missing != 0 && time < (was_reset ? 2 : 20); ++time) {
            if (ends.far) {
                arrived += read_now(ends.far.get());
            }
            pollfd entry{fd(), POLLIN, 0};
            ::poll(&entry, 1, 1000);
            received.push_back(read_now(fd()));  // an error may come first
            missing -= received.back().size();
        }
    }

    // Each byte that the other side wrote was received once or is still there; those of one receive
    // follow each other, save with MSG_WAITALL. What a reset took away is missing.
    void check_incoming(std::string& wrong) {
        take_rest();
        std::vector<int> seen(256, 0);
        for (const std::string& part : received) {
            for (std::size_t i = 0; i < part.size(); ++i) {
                const auto value = static_cast<unsigned char>(part[i]);
                ++seen[value];
                if (i > 0 && !torn && value != static_cast<unsigned char>(part[i - 1]) + 1) {
                    wrong += "the bytes of one receive are torn\n";
                }
            }
        }
        for (std::size_t i = 0; i < seen.size(); ++i) {
            const int least = i < written && !was_reset ? 1 : 0;
            const int most = i < written ? 1 : 0;
            if (seen[i] < least || seen[i] > most) {
                wrong += "byte " + std::to_string(i) + " was received " + std::to_string(seen[i]) +
                         " times, of " + std::to_string(written) + '\n';
            }
        }
    }

    // What the results said was sent arrived, as far as it can be seen.
    void check_outgoing(std::string& wrong) {
        if (!ends.far) {
            return;
        }
        // Kernel: what goes over the network stack may come a moment later.
        const bool comes_late = kind == ChannelKind::tcp && filled == 0;
        pollfd entry{ends.far.get(), POLLIN, 0};
        while (comes_late && arrived.size() < accepted && ::poll(&entry, 1, 1000) == 1) {
            const std::string part = read_now(ends.far.get());
            if (part.empty()) {
                break;
            }
            arrived += part;
        }
        for (std::string more = read_now(ends.far.get()); !more.empty();
             more = read_now(ends.far.get())) {
            arrived += more;
        }
        if (kind != ChannelKind::tcp && arrived.size() != filled + accepted) {
            wrong += std::to_string(arrived.size()) + " bytes arrived of " +
                     std::to_string(filled + accepted) + '\n';
        }
    }
};

}  // namespace ringio::testing

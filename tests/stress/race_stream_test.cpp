// Cancel against completion of reads and drains of a stream: no byte is lost, doubled or swapped.
#include <ringio/streams.hpp>

#include "race.hpp"

#include <array>

#include <sys/socket.h>

using namespace ringio;
using namespace ringio::test_support;

namespace {

/// A stream over one end of a pair of sockets; the other one is the peer's.
struct Stream {
    Stream() : Stream(make_pair()) {}

    StreamReader reader;
    StreamWriter writer;
    UniqueFd peer;

private:
    using State = IntrusivePtr<detail::StreamState>;

    explicit Stream(std::pair<State, int> ends)
        : reader(ends.first), writer(ends.first), peer(ends.second) {}

    static std::pair<State, int> make_pair() {
        int ends[2] = {-1, -1};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        const int size = 4096;
        ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        return {State(new detail::StreamState(get_running_loop(), Socket(UniqueFd(ends[0])),
                                              "the peer", default_stream_limit)),
                ends[1]};
    }
};

Task<> read(StreamReader reader, Moment moment, Sequence& sequence, Tally& tally) {
    ++tally.started;
    cancel_oneself(moment);
    try {
        const std::string bytes = co_await reader.readexactly(5);
        ++tally.delivered;
        if (!sequence.takes(bytes)) {
            tally.fail("read the wrong bytes");
        }
    } catch (const CancelledError&) {
        ++tally.cancelled;
    }
}

// Five bytes come in each round, in two pieces. A round that was cancelled leaves them to the next.
Task<> race_reads(Tally& tally) {
    Stream stream;
    Sequence sequence;
    std::uint64_t sent = 0;
    auto send = [&](std::size_t size) {
        const std::string bytes = Sequence::from(sent, size);
        sent += size;
        if (::send(stream.peer.get(), bytes.data(), size, 0) != static_cast<ssize_t>(size)) {
            tally.fail("the peer cannot send");
        }
    };
    for (int round = 0; round < race_rounds; ++round) {
        if (round % 2 == 0) {
            send(2);
        }
        auto act = [&] { send(round % 2 == 0 ? 3 : 5); };
        const Moment moment = moment_of(round);
        co_await race(moment, create_task(read(stream.reader, moment, sequence, tally)), act,
                      tally);
        if (sequence.place() != sent) {
            const auto rest = static_cast<std::ptrdiff_t>(sent - sequence.place());
            const std::string bytes = co_await stream.reader.readexactly(rest);
            if (!sequence.takes(bytes)) {
                tally.fail("bytes are lost");
            }
        }
    }
}

Task<> drain(StreamWriter writer, Moment moment, Tally& tally) {
    ++tally.started;
    cancel_oneself(moment);
    try {
        co_await writer.drain();
        if (writer.get_write_buffer_size() != 0) {
            tally.fail("drain returned too early");
        }
        ++tally.delivered;
    } catch (const CancelledError&) {
        ++tally.cancelled;
    }
}

/// The peer of a writer: takes what comes, but only while it is told to.
struct Peer {
    Stream& stream;
    Tally& tally;
    Sequence sequence;
    bool takes = false;
    bool ends = false;
};

Task<> be_peer(Peer& peer) {
    std::array<char, 16384> space;
    while (!peer.ends) {
        const ssize_t n =
            peer.takes ? ::recv(peer.stream.peer.get(), space.data(), space.size(), MSG_DONTWAIT)
                       : 0;
        if (n > 0 && !peer.sequence.takes({space.data(), static_cast<std::size_t>(n)})) {
            peer.tally.fail("the peer received the wrong bytes");
        }
        co_await sleep(Delay());
    }
}

// More is written than the kernel has room for. It is sent whether drain() is cancelled or not.
Task<> race_drains(Tally& tally) {
    Stream stream;
    stream.writer.set_write_buffer_limits(0);
    Peer peer{stream, tally, {}};
    auto taking = create_task(be_peer(peer));
    std::uint64_t written = 0;
    for (int round = 0; round < race_rounds; ++round) {
        const auto size = static_cast<std::size_t>(10'000 + round % 3000);
        stream.writer.write(Sequence::from(written, size));
        written += size;
        if (stream.writer.get_write_buffer_size() == 0) {
            tally.fail("the kernel took all of it at once");
        }
        auto act = [&] { peer.takes = true; };
        const Moment moment = moment_of(round);
        co_await race(moment, create_task(drain(stream.writer, moment, tally)), act, tally);
        for (int turn = 0; peer.sequence.place() != written && turn < 1'000'000; ++turn) {
            co_await sleep(Delay());
        }
        if (peer.sequence.place() != written) {
            tally.fail("the peer has not what was written");
        }
        peer.takes = false;
    }
    peer.ends = true;
    co_await taking;
    stream.writer.close();
    co_await stream.writer.wait_closed();
}

}  // namespace

TEST_CASE("StreamReader: a race of cancel and completion of a read loses no byte") {
    const testing::Balance balance;
    Tally tally;
    run(race_reads(tally));
    tally.check(race_rounds);
    CHECK(balance.difference() == "");
}

TEST_CASE("StreamWriter: a race of cancel and completion of drain takes no byte back") {
    const testing::Balance balance;
    Tally tally;
    run(race_drains(tally));
    tally.check(race_rounds);
    CHECK(balance.difference() == "");
}

// Cancel against completion of recv and send: no byte is lost, doubled or swapped.
#include <ringio/io/socket.hpp>

#include "race.hpp"

#include <array>

#include <sys/socket.h>

using namespace ringio;
using namespace ringio::test_support;

namespace {

struct Ends {
    Socket socket;
    UniqueFd peer;
};

Ends make_ends() {
    int ends[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    return {Socket(UniqueFd(ends[0])), UniqueFd(ends[1])};
}

std::string_view receive_now(int fd, std::span<char> space) {
    const ssize_t n = ::recv(fd, space.data(), space.size(), MSG_DONTWAIT);
    return {space.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
}

Task<> receive(const Socket& socket, Moment moment, Sequence& sequence, Tally& tally) {
    ++tally.started;
    cancel_oneself(moment);
    std::array<char, 16> bytes;
    try {
        const int size = co_await socket.recv(bytes);
        ++tally.delivered;
        if (size <= 0 || !sequence.takes({bytes.data(), static_cast<std::size_t>(size)})) {
            tally.fail("received the wrong bytes");
        }
    } catch (const CancelledError&) {
        ++tally.cancelled;
    }
}

Task<> race_receives(Tally& tally) {
    const Ends ends = make_ends();
    Sequence sequence;
    std::uint64_t sent = 0;
    for (int round = 0; round < race_rounds; ++round) {
        const auto size = static_cast<std::size_t>(1 + round % 7);
        auto act = [&] {
            const std::string bytes = Sequence::from(sent, size);
            sent += size;
            if (::send(ends.peer.get(), bytes.data(), size, 0) != static_cast<ssize_t>(size)) {
                tally.fail("the peer cannot send");
            }
        };
        const Moment moment = moment_of(round);
        co_await race(moment, create_task(receive(ends.socket, moment, sequence, tally)), act,
                      tally);
        std::array<char, 256> rest;
        if (!sequence.takes(receive_now(ends.socket.fd(), rest)) || sequence.place() != sent) {
            tally.fail("bytes are lost");
        }
    }
}

/// A sender whose buffer in the kernel is full, and the bytes that it has sent.
struct Sender {
    explicit Sender(Tally& books) : ends(make_ends()), tally(books) {
        const int size = 4096;
        REQUIRE(::setsockopt(ends.socket.fd(), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0);
        fill();
    }

    void fill() {
        ssize_t n = 0;
        do {
            sent += static_cast<std::uint64_t>(n);
            const std::string bytes = Sequence::from(sent, 512);
            n = ::send(ends.socket.fd(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        } while (n > 0);
    }

    /// The peer takes all that is there, and checks it.
    void take() {
        std::array<char, 16384> space;
        std::string_view bytes = receive_now(ends.peer.get(), space);
        while (!bytes.empty()) {
            if (!sequence.takes(bytes)) {
                tally.fail("the peer received the wrong bytes");
            }
            bytes = receive_now(ends.peer.get(), space);
        }
    }

    Ends ends;
    Tally& tally;
    Sequence sequence;  // of the peer
    std::uint64_t sent = 0;
};

Task<> send(Sender& sender, Moment moment) {
    ++sender.tally.started;
    cancel_oneself(moment);
    const std::string bytes = Sequence::from(sender.sent, 700);
    try {
        const int size = co_await sender.ends.socket.send(bytes);
        ++sender.tally.delivered;
        sender.sent += static_cast<std::uint64_t>(size);
        if (size <= 0) {
            sender.tally.fail("sent nothing");
        }
    } catch (const CancelledError&) {
        ++sender.tally.cancelled;
    }
}

Task<> race_sends(Tally& tally) {
    Sender sender(tally);
    for (int round = 0; round < race_rounds; ++round) {
        auto act = [&] { sender.take(); };
        const Moment moment = moment_of(round);
        co_await race(moment, create_task(send(sender, moment)), act, tally);
        sender.take();
        if (sender.sequence.place() != sender.sent) {
            tally.fail("the peer has not what was sent");
        }
        sender.fill();
    }
}

}  // namespace

TEST_CASE("recv: a race of cancel and completion has one winner, and no byte is lost") {
    const testing::Balance balance;
    Tally tally;
    run(race_receives(tally));
    tally.check(race_rounds);
    CHECK(balance.difference() == "");
}

TEST_CASE("send: a race of cancel and completion has one winner, and no byte goes twice") {
    const testing::Balance balance;
    Tally tally;
    run(race_sends(tally));
    tally.check(race_rounds);
    CHECK(balance.difference() == "");
}

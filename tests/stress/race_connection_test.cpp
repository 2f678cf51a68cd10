// Cancel against completion of accept and connect: no connection and no descriptor is lost.
#include <ringio/io/socket.hpp>

#include "race.hpp"

#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

using namespace ringio;
using namespace ringio::test_support;

namespace {

/// A listener in the abstract namespace of Unix sockets: it has no ports that could run out.
class UnixListener {
public:
    UnixListener() : socket_(UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))) {
        sockaddr_un any = {};
        any.sun_family = AF_UNIX;
        REQUIRE(::bind(socket_.fd(), reinterpret_cast<const sockaddr*>(&any),
                       sizeof(any.sun_family)) == 0);
        REQUIRE(::listen(socket_.fd(), 100) == 0);
        length_ = sizeof(address_);
        REQUIRE(::getsockname(socket_.fd(), reinterpret_cast<sockaddr*>(&address_), &length_) == 0);
    }

    const Socket& socket() const { return socket_; }

    /// Connects, and sends the number of the connection.
    UniqueFd connect(std::uint32_t number) const {
        UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&address_), length_) != 0 ||
            ::send(client.get(), &number, sizeof(number), 0) != sizeof(number)) {
            client.reset();
        }
        return client;
    }

private:
    Socket socket_;
    sockaddr_un address_ = {};
    socklen_t length_ = 0;
};

/// The server's side: checks that the connections come in order, and none is left out.
struct Accepted {
    explicit Accepted(Tally& books) : tally(books) {}

    void take(const UniqueFd& fd) {
        std::uint32_t number = 0;
        if (::recv(fd.get(), &number, sizeof(number), MSG_DONTWAIT) != sizeof(number) ||
            number != next++) {
            tally.fail("a connection is lost");
        }
    }

    /// Takes the connections that nobody accepted.
    void take_rest(int listener) {
        pollfd entry = {.fd = listener, .events = POLLIN, .revents = 0};
        while (::poll(&entry, 1, 0) == 1) {
            take(UniqueFd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)));
        }
    }

    Tally& tally;
    std::uint32_t next = 0;
};

Task<> accept(const Socket& listener, Moment moment, Accepted& accepted, Tally& tally) {
    ++tally.started;
    cancel_oneself(moment);
    try {
        const UniqueFd fd = co_await listener.accept();
        ++tally.delivered;
        accepted.take(fd);
    } catch (const CancelledError&) {
        ++tally.cancelled;
    }
}

Task<> race_accepts(Tally& tally) {
    const UnixListener listener;
    Accepted accepted(tally);
    for (int round = 0; round < race_rounds; ++round) {
        UniqueFd client;
        auto act = [&] { client = listener.connect(static_cast<std::uint32_t>(round)); };
        const Moment moment = moment_of(round);
        co_await race(moment, create_task(accept(listener.socket(), moment, accepted, tally)), act,
                      tally);
        accepted.take_rest(listener.socket().fd());
        if (accepted.next != static_cast<std::uint32_t>(round) + 1) {
            tally.fail("a connection is missing");
        }
    }
}

Task<> connect(const Socket& socket, const SocketAddress& address, Moment moment, Tally& tally) {
    ++tally.started;
    cancel_oneself(moment);
    try {
        co_await socket.connect(address);
        ++tally.delivered;
        if (!(socket.getpeername() == address)) {
            tally.fail("connected to another address");
        }
    } catch (const CancelledError&) {
        ++tally.cancelled;
    }
}

/// A client that leaves nothing behind in the kernel: 100,000 ports in TIME_WAIT are too many.
Socket make_client() {
    Socket client = Socket::stream(AF_INET);
    const linger at_once = {.l_onoff = 1, .l_linger = 0};
    ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    return client;
}

Task<> race_connects(Tally& tally) {
    const Socket listener =
        Socket::listening(*SocketAddress::from_literal("127.0.0.1", 0), 100, false);
    const SocketAddress address = listener.getsockname();
    for (int round = 0; round < race_rounds; ++round) {
        const Socket client = make_client();
        auto act = [] {};  // the kernel completes it by itself
        const Moment moment = moment_of(round);
        const long delivered = tally.delivered;
        co_await race(moment, create_task(connect(client, address, moment, tally)), act, tally);
        pollfd entry = {.fd = listener.fd(), .events = POLLIN, .revents = 0};
        bool accepted = false;
        while (::poll(&entry, 1, 0) == 1) {
            const UniqueFd server(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
            accepted = true;
        }
        if (tally.delivered != delivered && !accepted) {
            tally.fail("connected to nobody");
        }
    }
}

}  // namespace

TEST_CASE("accept: a race of cancel and completion has one winner, and no connection is lost") {
    const testing::Balance balance;
    Tally tally;
    run(race_accepts(tally));
    tally.check(race_rounds);
    CHECK(balance.difference() == "");
}

TEST_CASE("connect: a race of cancel and completion has one winner, and no descriptor is lost") {
    const testing::Balance balance;
    Tally tally;
    run(race_connects(tally));
    tally.check(race_rounds);
    CHECK(balance.difference() == "");
}

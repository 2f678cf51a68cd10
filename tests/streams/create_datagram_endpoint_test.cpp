// What an endpoint is made of: addresses, options, a socket that exists already.
#include "datagrams.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cstdlib>

using namespace ringio;
using namespace ringio::test_support;

namespace {

Task<DatagramEndpoint> made(DatagramEndpointOptions options) {
    co_return co_await create_datagram_endpoint(options);
}

/// Gives the text of the std::invalid_argument with which the options are refused.
std::string refusal_of(const DatagramEndpointOptions& options) {
    try {
        static_cast<void>(create_datagram_endpoint(options));
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "not refused";
}

}  // namespace

ASYNC_TEST_CASE("create_datagram_endpoint: options stand in the await, addresses among them") {
    const auto address = SocketAddress::from_literal("127.0.0.1", 0);
    const DatagramEndpoint first = co_await create_datagram_endpoint({.local = *address});
    const DatagramEndpoint second = co_await create_datagram_endpoint(
        {.local = *SocketAddress::from_literal("127.0.0.1", 0), .remote = first.getsockname()});
    const DatagramEndpoint third = co_await create_datagram_endpoint({.family = AF_INET});
    CHECK(second.getpeername() == first.getsockname());
    CHECK(third.getsockname().to_string() == "0.0.0.0:0");
    const DatagramEndpoint unnamed = co_await create_datagram_endpoint(
        {.local = SocketAddress::unix_path(std::string(1, '\0') + "ringio test of options")});
    CHECK(unnamed.getsockname().to_string() == "@ringio test of options");
}

TEST_CASE("create_datagram_endpoint: what says no address, or two that do not meet, is refused") {
    const SocketAddress v6 = *SocketAddress::from_literal("::1", 0);
    CHECK(refusal_of({}) == "unexpected address family");
    CHECK(refusal_of({.local = loopback(), .remote = v6}) == "can not get address information");
    CHECK(refusal_of({.local = loopback(), .family = AF_INET6}) ==
          "can not get address information");
    CHECK(refusal_of({.local = loopback(), .limit = 0}) ==
          "create_datagram_endpoint: the limit is 0; a datagram needs room");
}

TEST_CASE(
    "create_datagram_endpoint: a socket comes with no other options, and stays the caller's") {
    auto [near, far] = datagram_pair();
    const SocketAddress remote = loopback(9);
    CHECK(refusal_of({.local = loopback(),
                      .remote = remote,
                      .family = AF_INET,
                      .proto = 17,
                      .reuse_port = true,
                      .allow_broadcast = true,
                      .sock = std::move(near)}) ==
          "socket modifier keyword arguments can not be used when sock is specified. "
          "(local=127.0.0.1:0, remote=127.0.0.1:9, family=2, proto=17, reuse_port=true, "
          "allow_broadcast=true)");
    CHECK(near);
    CHECK(refusal_of({.sock = UniqueFd()}) ==
          "create_datagram_endpoint: the socket is empty; its descriptor was moved");
    auto [stream, other] = datagram_pair(SOCK_STREAM);
    CHECK(refusal_of({.sock = std::move(stream)}) ==
          "A datagram socket was expected, got a stream (file descriptor " +
              std::to_string(stream.get()) + ")");
    CHECK(stream);
    UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    CHECK_THROWS_AS(create_datagram_endpoint({.sock = std::move(file)}), std::system_error);
    CHECK(file);
}

ASYNC_TEST_CASE("create_datagram_endpoint: takes a socket over, connected or not") {
    auto [near, far] = datagram_pair();
    const RawDatagrams peer{Socket(std::move(far))};
    DatagramEndpoint paired = co_await create_datagram_endpoint({.sock = std::move(near)});
    CHECK_FALSE(near);
    paired.send("x");
    CHECK(peer.receive() == "x");

    Socket bound = Socket::datagram(AF_INET);
    bound.bind(loopback());
    UniqueFd fd(::fcntl(bound.fd(), F_DUPFD_CLOEXEC, 0));
    DatagramEndpoint free = co_await create_datagram_endpoint({.sock = std::move(fd)});
    CHECK(free.getsockname() == bound.getsockname());
    CHECK_THROWS_AS(free.send("x"), std::invalid_argument);
    const RawDatagrams other = RawDatagrams::bound();
    free.sendto("y", other.address());
    CHECK(other.receive() == "y");
}

ASYNC_TEST_CASE("create_datagram_endpoint: an address in use is an error that names it") {
    const DatagramEndpoint first = co_await made({.local = loopback()});
    CHECK_AWAIT(text_of<std::system_error>(made({.local = first.getsockname()})),
                "bind to " + first.getsockname().to_string() + ": Address already in use");
    CHECK_AWAIT(errno_of(made({.local = *SocketAddress::from_literal("192.0.2.1", 0)})),
                EADDRNOTAVAIL);
}

ASYNC_TEST_CASE("create_datagram_endpoint: what cannot be connected to is an error that names it") {
    CHECK_AWAIT_HAS(text_of<std::system_error>(
                        made({.remote = *SocketAddress::from_literal("255.255.255.255", 9)})),
                    "connect to 255.255.255.255:9: ");
    CHECK_AWAIT(errno_of(made({.family = 12345})), EAFNOSUPPORT);
    CHECK_AWAIT(errno_of(made({.remote = loopback(9), .proto = IPPROTO_TCP})), EPROTONOSUPPORT);
}

ASYNC_TEST_CASE("create_datagram_endpoint: several may share a port that all of them share") {
    const DatagramEndpoint first = co_await made({.local = loopback(), .reuse_port = true});
    const DatagramEndpoint second =
        co_await made({.local = first.getsockname(), .reuse_port = true});
    CHECK(first.getsockname() == second.getsockname());
}

ASYNC_TEST_CASE("create_datagram_endpoint: may be cancelled in every turn, and leaves nothing") {
    for (int turn = 0; turn < 4; ++turn) {
        auto making = create_task(made({.local = loopback(), .remote = loopback(9)}));
        co_await turns(turn);
        const bool asked = making.cancel();
        const bool cancelled = co_await is_cancelled(making);
        CHECK((asked || !cancelled));  // it may be connected in spite of the request
    }
}

ASYNC_TEST_CASE("create_datagram_endpoint: Unix sockets talk by their paths") {
    char folder[] = "/tmp/ringio_test_XXXXXX";
    REQUIRE(::mkdtemp(folder) != nullptr);
    const std::string here = std::string(folder) + "/a";
    const std::string there = std::string(folder) + "/b";
    {
        DatagramEndpoint server = co_await made({.local = SocketAddress::unix_path(here)});
        DatagramEndpoint client = co_await made(
            {.local = SocketAddress::unix_path(there), .remote = SocketAddress::unix_path(here)});
        client.send("question");
        const Datagram question = co_await server.recv();
        CHECK(question.from.path() == there);
        server.sendto("answer", question.from);
        CHECK_AWAIT(received(client), "answer");
        server.sendto("x", SocketAddress::unix_path(std::string(folder) + "/nobody"));
        CHECK_AWAIT(text_of<std::system_error>(received(server)),
                    "sendto " + std::string(folder) + "/nobody: No such file or directory");
        DatagramEndpoint unnamed = co_await made({.remote = SocketAddress::unix_path(here)});
        unnamed.send("who am I");
        const Datagram nobody_s = co_await server.recv();
        CHECK(nobody_s.from.family() == 0);
        server.close();
        co_await server.wait_closed();
        client.send("too late");
        CHECK_AWAIT(errno_of(received(client)), ECONNREFUSED);
    }
    CHECK(::rmdir(folder) == 0);  // the paths went with the endpoints
}

ASYNC_TEST_CASE("create_datagram_endpoint: a Unix socket whose reader is slow loses no byte") {
    const auto name = SocketAddress::unix_path(std::string(1, '\0') + "ringio slow reader");
    const DatagramEndpoint reader = co_await made({.local = name});
    const Socket socket = Socket::datagram(AF_UNIX);
    DatagramEndpoint connected = co_await made({.remote = name});
    for (int round = 0; round < 2; ++round) {
        for (int number = 0; number < 300; ++number) {
            connected.send(std::to_string(number));
        }
        co_await turns(3);
        for (int number = 0; number < 300; ++number) {
            CHECK_AWAIT(received(reader), std::to_string(number));
        }
    }
    DatagramEndpoint free = co_await made({.family = AF_UNIX});
    for (int number = 0; number < 300; ++number) {
        free.sendto(std::to_string(number), name);
    }
    auto sending = create_task(socket.sendto("by a socket", name));
    co_await turns(3);
    std::string by_socket;
    for (int number = 0; number < 300;) {
        const std::string data = co_await received(reader);
        if (data == "by a socket") {
            by_socket = data;
            continue;
        }
        CHECK(data == std::to_string(number++));
    }
    CHECK_AWAIT(sending, 11U);
    if (by_socket.empty()) {
        by_socket = co_await received(reader);
    }
    CHECK(by_socket == "by a socket");
}

TEST_CASE("create_datagram_endpoint: a reader that never reads does not hold the loop's close up") {
    const testing::Balance balance;
    testing::run_virtual([]() -> Task<> {
        const auto name = SocketAddress::unix_path(std::string(1, '\0') + "ringio no reader");
        const DatagramEndpoint reader = co_await made({.local = name});
        DatagramEndpoint sender = co_await made({.family = AF_UNIX});
        for (int number = 0; number < 300; ++number) {
            sender.sendto("x", name);
        }
        co_await turns(3);
        CHECK(sender.get_write_buffer_size() > 0);
    }());
    CHECK(balance.difference() == "");
}

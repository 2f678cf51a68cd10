#include <ringio/streams/datagram_endpoint.hpp>

#include "datagrams.hpp"

#include <net/if.h>

#include <array>
#include <cstddef>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<DatagramEndpoint> bound_endpoint() {
    co_return co_await create_datagram_endpoint({.local = loopback()});
}

Task<DatagramEndpoint> endpoint_to(SocketAddress remote) {
    co_return co_await create_datagram_endpoint({.remote = remote});
}

Task<> drained(DatagramEndpoint endpoint) { co_await endpoint.drain(); }

Task<> wait_until_closed(DatagramEndpoint endpoint) { co_await endpoint.wait_closed(); }

/// An address at which nobody receives.
SocketAddress silent() {
    const RawDatagrams gone = RawDatagrams::bound();
    return gone.address();
}

}  // namespace

ASYNC_TEST_CASE("datagram endpoint: receives what is sent to it, and from whom") {
    const DatagramEndpoint endpoint = co_await bound_endpoint();
    const RawDatagrams peer = RawDatagrams::bound();
    peer.sendto("hello", endpoint.getsockname());
    const Datagram datagram = co_await endpoint.recv();
    CHECK(datagram.data == "hello");
    CHECK(datagram.from == peer.address());
    CHECK_FALSE(datagram.truncated);
}

ASYNC_TEST_CASE("datagram endpoint: waits for what is to come") {
    const DatagramEndpoint endpoint = co_await bound_endpoint();
    const RawDatagrams peer = RawDatagrams::bound();
    auto receiving = create_task(received(endpoint));
    co_await turns(3);
    CHECK_FALSE(receiving.done());
    peer.sendto("late", endpoint.getsockname());
    CHECK_AWAIT(receiving, "late");
}

ASYNC_TEST_CASE("datagram endpoint: an echo finds its way back") {
    DatagramEndpoint server = co_await bound_endpoint();
    DatagramEndpoint client = co_await endpoint_to(server.getsockname());
    CHECK(client.getpeername() == server.getsockname());
    CHECK(client.getsockname().host() == "127.0.0.1");
    client.send("question");
    const Datagram question = co_await server.recv();
    CHECK(question.from == client.getsockname());
    server.sendto("answer to " + question.data, question.from);
    const Datagram answer = co_await client.recv();
    CHECK(answer.data == "answer to question");
    CHECK(answer.from == server.getsockname());
}

ASYNC_TEST_CASE("datagram endpoint: an own and a remote address together") {
    const RawDatagrams peer = RawDatagrams::bound();
    DatagramEndpoint endpoint =
        co_await create_datagram_endpoint({.local = loopback(), .remote = peer.address()});
    endpoint.send("once");
    CHECK(peer.receive() == "once");
    CHECK(peer.is_empty());
    peer.sendto("back", endpoint.getsockname());
    CHECK_AWAIT(received(endpoint), "back");
    RawDatagrams::bound().sendto("a stranger's", endpoint.getsockname());
    peer.sendto("mine", endpoint.getsockname());
    CHECK_AWAIT(received(endpoint), "mine");
}

ASYNC_TEST_CASE("datagram endpoint: an empty datagram is data") {
    DatagramEndpoint endpoint = co_await bound_endpoint();
    const RawDatagrams peer = RawDatagrams::bound();
    peer.sendto("", endpoint.getsockname());
    peer.sendto("after it", endpoint.getsockname());
    const Datagram empty = co_await endpoint.recv();
    CHECK(empty.data == "");
    CHECK(empty.from == peer.address());
    CHECK_AWAIT(received(endpoint), "after it");
    endpoint.sendto("", peer.address());
    endpoint.sendto("x", peer.address());
    CHECK(peer.receive() == "");
    CHECK(peer.receive() == "x");
}

ASYNC_TEST_CASE("datagram endpoint: what is longer than the limit is cut, and said to be") {
    const DatagramEndpoint endpoint =
        co_await create_datagram_endpoint({.local = loopback(), .limit = 4});
    const RawDatagrams peer = RawDatagrams::bound();
    peer.sendto("12345", endpoint.getsockname());
    peer.sendto("1234", endpoint.getsockname());
    const Datagram cut = co_await endpoint.recv();
    CHECK(cut.data == "1234");
    CHECK(cut.truncated);
    const Datagram whole = co_await endpoint.recv();
    CHECK(whole.data == "1234");
    CHECK_FALSE(whole.truncated);
}

ASYNC_TEST_CASE("datagram endpoint: the largest datagram of UDP is received whole") {
    DatagramEndpoint server = co_await bound_endpoint();
    DatagramEndpoint client = co_await endpoint_to(server.getsockname());
    const std::string largest(65507, 'x');
    client.send(largest);
    const Datagram datagram = co_await server.recv();
    CHECK(datagram.data == largest);
    CHECK_FALSE(datagram.truncated);
}

ASYNC_TEST_CASE("datagram endpoint: recv_into fills memory of the caller's") {
    const DatagramEndpoint endpoint = co_await bound_endpoint();
    const RawDatagrams peer = RawDatagrams::bound();
    std::array<char, 4> buffer = {};
    peer.sendto("123", endpoint.getsockname());
    const ReceivedFrom whole = co_await endpoint.recv_into(buffer);
    CHECK(std::string(buffer.data(), whole.size) == "123");
    CHECK(whole.from == peer.address());
    CHECK_FALSE(whole.truncated);
    peer.sendto("45678", endpoint.getsockname());
    const ReceivedFrom cut = co_await endpoint.recv_into(buffer);
    CHECK(std::string(buffer.data(), cut.size) == "4567");
    CHECK(cut.truncated);
    CHECK_AWAIT(is_cancelled(wait_for(endpoint.recv_into(buffer), 1ms)), false);
    peer.sendto("", endpoint.getsockname());
    const ReceivedFrom empty = co_await endpoint.recv_into(buffer);
    CHECK(empty.size == 0);
}

ASYNC_TEST_CASE("datagram endpoint: a burst comes in the order in which it was sent") {
    const DatagramEndpoint endpoint = co_await bound_endpoint();
    const RawDatagrams peer = RawDatagrams::bound();
    for (int number = 0; number < 100; ++number) {
        peer.sendto(std::to_string(number), endpoint.getsockname());
    }
    for (int number = 0; number < 100; ++number) {
        CHECK_AWAIT(received(endpoint), std::to_string(number));
    }
}

ASYNC_TEST_CASE("datagram endpoint: takes bytes of any type") {
    DatagramEndpoint endpoint = co_await bound_endpoint();
    const RawDatagrams peer = RawDatagrams::bound();
    const std::vector<std::byte> bytes = {std::byte{'a'}, std::byte{0}, std::byte{'b'}};
    endpoint.sendto(bytes, peer.address());
    CHECK(peer.receive() == std::string("a\0b", 3));
}

ASYNC_TEST_CASE("datagram endpoint: another address than the remote one is refused") {
    const RawDatagrams peer = RawDatagrams::bound();
    const RawDatagrams other = RawDatagrams::bound();
    DatagramEndpoint endpoint = co_await endpoint_to(peer.address());
    endpoint.sendto("a", peer.address());
    endpoint.sendto("b", SocketAddress());
    CHECK_THROWS_AS(endpoint.sendto("c", other.address()), std::invalid_argument);
    CHECK_THROWS_WITH(endpoint.sendto("c", other.address()),
                      "Invalid address: must be None or " + peer.address().to_string());
    CHECK(peer.receive() == "a");
    CHECK(peer.receive() == "b");
    CHECK(other.is_empty());
}

ASYNC_TEST_CASE("datagram endpoint: without a remote address each datagram needs one") {
    DatagramEndpoint endpoint = co_await bound_endpoint();
    CHECK_THROWS_AS(endpoint.send("x"), std::invalid_argument);
    CHECK_THROWS_AS(endpoint.sendto("x", SocketAddress()), std::invalid_argument);
    CHECK_THROWS_WITH(endpoint.getpeername(), Catch::Matchers::Contains("getpeername"));
}

ASYNC_TEST_CASE("datagram endpoint: that the remote refused is told once, and it goes on") {
    const SocketAddress remote = silent();
    DatagramEndpoint endpoint = co_await endpoint_to(remote);
    endpoint.send("anybody?");
    CHECK_AWAIT(text_of<std::system_error>(received(endpoint)),
                "recv from " + remote.to_string() + ": Connection refused");
    CHECK_AWAIT(text_of<TimeoutError>(wait_for(received(endpoint), 1ms)), "timed out");
    const RawDatagrams peer = RawDatagrams::bound(remote);
    peer.sendto("here", endpoint.getsockname());
    CHECK_AWAIT(received(endpoint), "here");
}

ASYNC_TEST_CASE("datagram endpoint: who waits is told that the remote refused") {
    DatagramEndpoint endpoint = co_await endpoint_to(silent());
    auto receiving = create_task(received(endpoint));
    co_await turns(2);
    endpoint.send("anybody?");
    CHECK_AWAIT(errno_of(receiving), ECONNREFUSED);
    receiving = create_task(received(endpoint));
    co_await turns(2);
    endpoint.send("anybody?");
    endpoint.send("nobody?");  // which is told of the one before
    CHECK_AWAIT(errno_of(receiving), ECONNREFUSED);
}

ASYNC_TEST_CASE("datagram endpoint: a datagram after one that was refused is sent all the same") {
    const SocketAddress remote = silent();
    DatagramEndpoint endpoint = co_await endpoint_to(remote);
    endpoint.send("lost");
    const RawDatagrams peer = RawDatagrams::bound(remote);
    endpoint.send("kept");
    CHECK(peer.receive() == "kept");
    CHECK_AWAIT(errno_of(drained(endpoint)), 0);
    CHECK_AWAIT(errno_of(received(endpoint)), ECONNREFUSED);
    peer.sendto("back", endpoint.getsockname());
    CHECK_AWAIT(received(endpoint), "back");
}

ASYNC_TEST_CASE("datagram endpoint: who does not want to hear of refusals does not") {
    const SocketAddress remote = silent();
    DatagramEndpoint endpoint =
        co_await create_datagram_endpoint({.remote = remote, .ignore_refused = true});
    endpoint.send("one");
    endpoint.send("two");
    CHECK_AWAIT(text_of<TimeoutError>(wait_for(received(endpoint), 1ms)), "timed out");
    endpoint.send("three");  // while it is being received
    co_await turns(3);
    const RawDatagrams peer = RawDatagrams::bound(remote);
    peer.sendto("here", endpoint.getsockname());
    CHECK_AWAIT(received(endpoint), "here");
}

ASYNC_TEST_CASE("datagram endpoint: without a connection nobody hears of a refusal") {
    DatagramEndpoint endpoint = co_await bound_endpoint();
    endpoint.sendto("x", silent());
    CHECK_AWAIT(text_of<TimeoutError>(wait_for(received(endpoint), 1ms)), "timed out");
    CHECK_AWAIT(errno_of(drained(endpoint)), 0);
}

ASYNC_TEST_CASE("datagram endpoint: what cannot be sent the next drain() or recv() tells, once") {
    const RawDatagrams peer = RawDatagrams::bound();
    DatagramEndpoint endpoint = co_await bound_endpoint();
    const std::string too_long(65508, 'x');
    endpoint.sendto(too_long, peer.address());
    CHECK_AWAIT(text_of<std::system_error>(drained(endpoint)),
                "sendto " + peer.address().to_string() + ": Message too long");
    CHECK_AWAIT(errno_of(drained(endpoint)), 0);
    endpoint.sendto(too_long, peer.address());
    CHECK_AWAIT(errno_of(received(endpoint)), EMSGSIZE);
    auto receiving = create_task(received(endpoint));
    co_await turns(2);
    endpoint.sendto(too_long, peer.address());
    CHECK_AWAIT(errno_of(drained(endpoint)), 0);  // it is for the one who waits
    CHECK_AWAIT(errno_of(receiving), EMSGSIZE);
    endpoint.sendto("short", peer.address());
    CHECK(peer.receive() == "short");
}

ASYNC_TEST_CASE("datagram endpoint: a broadcast needs a permission, and no connection") {
    const SocketAddress everybody = *SocketAddress::from_literal("127.255.255.255", 9);
    DatagramEndpoint shy = co_await bound_endpoint();
    shy.sendto("x", everybody);
    CHECK_AWAIT(errno_of(drained(shy)), EACCES);
    shy.set_broadcast(true);
    shy.sendto("x", everybody);
    CHECK_AWAIT(errno_of(drained(shy)), 0);

    const RawDatagrams peer = RawDatagrams::bound();
    DatagramEndpoint endpoint = co_await create_datagram_endpoint(
        {.local = loopback(), .remote = peer.address(), .allow_broadcast = true});
    CHECK(endpoint.getpeername() == peer.address());
    CHECK_THROWS_AS(endpoint.socket().getpeername(), std::system_error);
    endpoint.send("x");
    CHECK(peer.receive() == "x");
    CHECK_THROWS_AS(endpoint.sendto("x", everybody), std::invalid_argument);
    RawDatagrams::bound().sendto("from anybody", endpoint.getsockname());
    CHECK_AWAIT(received(endpoint), "from anybody");
}

ASYNC_TEST_CASE("datagram endpoint: a group hears what is sent to it, until it is left") {
    const unsigned lo = ::if_nametoindex("lo");
    const SocketAddress any = *SocketAddress::from_literal("0.0.0.0", 0);
    DatagramEndpoint member = co_await create_datagram_endpoint({.local = any});
    const SocketAddress group =
        *SocketAddress::from_literal("239.255.77.1", member.getsockname().port());
    DatagramEndpoint sender = co_await bound_endpoint();
    sender.set_multicast_interface(lo);
    sender.set_multicast_loop(true);
    sender.set_multicast_ttl(1);
    member.join_multicast(group, lo);
    sender.sendto("to all", group);
    CHECK_AWAIT(errno_of(drained(sender)), 0);
    CHECK_AWAIT(received(member), "to all");
    member.leave_multicast(group, lo);
    sender.sendto("to nobody", group);
    CHECK_AWAIT(text_of<TimeoutError>(wait_for(received(member), 1ms)), "timed out");
    CHECK_THROWS_WITH(member.leave_multicast(group, lo),
                      Catch::Matchers::StartsWith("leave multicast group " + group.to_string()));
    CHECK_THROWS_WITH(member.join_multicast(loopback(9), lo),
                      Catch::Matchers::StartsWith("join multicast group 127.0.0.1:9"));
}

ASYNC_TEST_CASE("datagram endpoint: what there is no room for waits, and is sent in order") {
    PairedEndpoint pair = co_await paired_endpoint();
    int sent = co_await send_until_full(pair.endpoint);
    CHECK(pair.endpoint.get_write_buffer_size() == std::to_string(sent - 1).size() + 8);
    for (int more = 0; more < 50; ++more) {
        pair.endpoint.send(std::to_string(sent++));
    }
    int taken = 0;
    while (taken < sent) {
        pair.take(taken);
        co_await turns(1);
    }
    CHECK(pair.endpoint.get_write_buffer_size() == 0);
}

ASYNC_TEST_CASE("datagram endpoint: drain waits above the high mark, until below the low one") {
    PairedEndpoint pair = co_await paired_endpoint();
    co_await send_until_full(pair.endpoint);
    CHECK_AWAIT(errno_of(drained(pair.endpoint)), 0);
    pair.endpoint.set_write_buffer_limits(1000, 0);
    while (pair.endpoint.get_write_buffer_size() <= 1000) {
        pair.endpoint.send("more");
    }
    auto draining = create_task(drained(pair.endpoint));
    co_await turns(3);
    CHECK_FALSE(draining.done());
    while (!draining.done()) {
        static_cast<void>(pair.peer.receive(MSG_DONTWAIT));
        co_await turns(1);
    }
    CHECK(pair.endpoint.get_write_buffer_size() == 0);
    CHECK_THROWS_WITH(pair.endpoint.set_write_buffer_limits(1, 2),
                      "high (1) must be >= low (2) must be >= 0");
}

ASYNC_TEST_CASE("datagram endpoint: close sends what waits; wait_closed waits for it") {
    PairedEndpoint pair = co_await paired_endpoint();
    const int sent = co_await send_until_full(pair.endpoint);
    pair.endpoint.close();
    CHECK(pair.endpoint.is_closing());
    auto closing = create_task(wait_until_closed(pair.endpoint));
    co_await turns(3);
    CHECK_FALSE(closing.done());
    int taken = 0;
    while (!closing.done()) {
        pair.take(taken);
        co_await turns(1);
    }
    pair.take(taken);
    CHECK(taken == sent);
    CHECK_FALSE(pair.endpoint.socket());
    pair.endpoint.close();
    co_await pair.endpoint.wait_closed();
}

ASYNC_TEST_CASE("datagram endpoint: abort sends nothing more, and ends who drains") {
    PairedEndpoint pair = co_await paired_endpoint();
    pair.endpoint.set_write_buffer_limits(0);
    const int sent = co_await send_until_full(pair.endpoint);
    auto draining = create_task(drained(pair.endpoint));
    co_await turns(2);
    pair.endpoint.abort();
    CHECK_AWAIT(text_of<std::runtime_error>(draining), "The datagram endpoint is closed");
    co_await pair.endpoint.wait_closed();
    int taken = 0;
    pair.take(taken);
    CHECK(taken == sent - 1);
}

ASYNC_TEST_CASE("datagram endpoint: close ends who receives, and refuses who comes later") {
    DatagramEndpoint endpoint = co_await bound_endpoint();
    const SocketAddress own = endpoint.getsockname();
    auto receiving = create_task(received(endpoint));
    co_await turns(2);
    endpoint.close();
    CHECK_AWAIT(text_of<std::runtime_error>(receiving), "The datagram endpoint is closed");
    CHECK_AWAIT(text_of<std::runtime_error>(received(endpoint)), "The datagram endpoint is closed");
    CHECK_AWAIT(text_of<std::runtime_error>(drained(endpoint)), "The datagram endpoint is closed");
    co_await endpoint.wait_closed();
    CHECK(endpoint.getsockname() == own);
    endpoint.sendto("dropped", own);
    CHECK(endpoint.get_write_buffer_size() == 0);
}

ASYNC_TEST_CASE("datagram endpoint: one coroutine may receive at a time") {
    const DatagramEndpoint endpoint = co_await bound_endpoint();
    auto receiving = create_task(received(endpoint));
    co_await turns(2);
    CHECK_AWAIT(text_of<std::runtime_error>(received(endpoint)),
                "recv() called while another coroutine is already waiting for a datagram");
    RawDatagrams::bound().sendto("x", endpoint.getsockname());
    CHECK_AWAIT(receiving, "x");
}

ASYNC_TEST_CASE("datagram endpoint: a cancelled recv loses nothing") {
    const DatagramEndpoint endpoint = co_await bound_endpoint();
    const RawDatagrams peer = RawDatagrams::bound();
    for (int turn = 0; turn < 6; ++turn) {
        auto receiving = create_task(received(endpoint));
        co_await turns(turn);
        peer.sendto(std::to_string(turn), endpoint.getsockname());
        co_await turns(turn / 2);
        const bool asked = receiving.cancel();
        const bool cancelled = co_await is_cancelled(receiving);
        CHECK(cancelled == asked);
        if (cancelled) {
            CHECK_AWAIT(received(endpoint), std::to_string(turn));
        } else {
            CHECK(receiving.result() == std::to_string(turn));
        }
    }
}

ASYNC_TEST_CASE("datagram endpoint: the last handle that goes closes it; what waits is sent") {
    auto [near, far] = datagram_pair();
    const RawDatagrams peer{Socket(std::move(far))};
    int sent = 0;
    {
        DatagramEndpoint endpoint = co_await create_datagram_endpoint({.sock = std::move(near)});
        const DatagramEndpoint copy = endpoint;
        sent = co_await send_until_full(endpoint);
    }
    for (int number = 0; number < sent; ++number) {
        CHECK(peer.receive(MSG_DONTWAIT) == std::to_string(number));
        co_await turns(2);
    }
}

ASYNC_TEST_CASE("datagram endpoint: nobody else may watch its descriptor") {
    DatagramEndpoint endpoint = co_await bound_endpoint();
    const int fd = endpoint.socket().fd();
    CHECK_THROWS_AS(get_running_loop().add_reader(fd, [] {}), std::runtime_error);
    endpoint.close();
}

TEST_CASE("datagram endpoint: the loop closes under one that receives and sends") {
    const testing::Balance balance;
    {
        EventLoop loop;
        loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
        auto [near, far] = datagram_pair();
        auto make = [](UniqueFd& fd) -> Task<DatagramEndpoint> {
            co_return co_await create_datagram_endpoint({.sock = std::move(fd)});
        };
        DatagramEndpoint endpoint = loop.run_until_complete(make(near));
        loop.run_until_complete([](DatagramEndpoint& used) -> Task<> {
            create_task(received(used));
            co_await send_until_full(used);
        }(endpoint));
        loop.close();
        endpoint.send("too late");
        endpoint.close();
        CHECK(endpoint.get_write_buffer_size() == 0);
    }
    CHECK(balance.difference() == "");
}

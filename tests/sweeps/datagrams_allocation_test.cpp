// Allocation failure at every allocation: datagrams and names. What cannot be received for want of
// memory is there for the next one who tries.
#include <ringio/streams.hpp>

#include <ringio/streams/datagram_endpoint.hpp>
#include <ringio/streams/names.hpp>
#include <support/descriptor_pair.hpp>
#include "sweep_scenario.hpp"

#include <string>

using namespace ringio;
using namespace ringio::test_support;

namespace {

constexpr std::string_view long_text =
    "a datagram that is too long to be kept within a std::string";

}  // namespace

ALLOCATION_SWEEP("no memory: an endpoint that is made, sends, receives and is closed") {
    const SocketAddress anywhere = *SocketAddress::from_literal("127.0.0.1", 0);
    const DatagramEndpoint server = co_await create_datagram_endpoint({.local = anywhere});
    DatagramEndpoint client = co_await create_datagram_endpoint({.remote = server.getsockname()});
    client.send(long_text);
    co_await client.drain();
    static_cast<void>(co_await server.recv());
    client.close();
    co_await client.wait_closed();
}

ALLOCATION_SWEEP("no memory: datagrams for which there is no room") {
    auto ends = testing::Ends::sockets(testing::Family::local, SOCK_DGRAM);
    DatagramEndpoint endpoint = co_await create_datagram_endpoint({.sock = std::move(ends.near)});
    bool failed = false;
    try {
        for (int count = 0; count < 600; ++count) {  // more than a turn may send, and a queue holds
            endpoint.send(long_text);
        }
    } catch (const std::bad_alloc&) {
        failed = true;
    }
    endpoint.abort();  // nobody reads what waits
    co_await endpoint.wait_closed();
    if (failed) {
        throw std::bad_alloc();
    }
}

ALLOCATION_SWEEP("no memory: a datagram that cannot be taken stays") {
    auto& taken = sweep.make<bool>(false);
    const SocketAddress anywhere = *SocketAddress::from_literal("127.0.0.1", 0);
    const DatagramEndpoint server = co_await create_datagram_endpoint({.local = anywhere});
    DatagramEndpoint client = co_await create_datagram_endpoint({.remote = server.getsockname()});
    client.send(long_text);
    for (int attempt = 0; attempt < 2 && !taken; ++attempt) {
        try {
            const Datagram datagram = co_await server.recv();
            taken = datagram.data == long_text;
        } catch (const std::bad_alloc&) {
            if (attempt == 1) {
                throw;
            }
        }
    }
    sweep.check("it was taken", [&taken] { return taken; });
}

ALLOCATION_SWEEP("no memory: sockets that send and receive datagrams") {
    const Socket first = Socket::datagram(AF_INET);
    const Socket second = Socket::datagram(AF_INET);
    first.bind(*SocketAddress::from_literal("127.0.0.1", 0));
    char buffer[4];
    static_cast<void>(co_await second.sendto("x", first.getsockname()));
    static_cast<void>(co_await first.recvfrom(buffer));
}

ALLOCATION_SWEEP("no memory: look-ups of names") {
    static_cast<void>(co_await getaddrinfo("127.0.0.1", 80));
    static_cast<void>(co_await getaddrinfo("localhost", 80));
    static_cast<void>(co_await getnameinfo(*SocketAddress::from_literal("127.0.0.1", 80)));
}

// Cancel at every await: datagrams and names. None is lost to who gave up waiting for it, and
// nothing stays open.
#include <ringio/streams.hpp>

#include <ringio/streams/datagram_endpoint.hpp>
#include <ringio/streams/names.hpp>
#include "sweep_scenario.hpp"

#include <memory>
#include <string>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;

namespace {

SocketAddress anywhere() { return *SocketAddress::from_literal("127.0.0.1", 0); }

Task<> say_numbers(DatagramEndpoint endpoint, SocketAddress to) {
    for (const char* const number : {"1", "2", "3"}) {
        co_await sleep(Delay());
        endpoint.sendto(number, to);
        co_await endpoint.drain();
    }
}

Task<> hear_numbers(DatagramEndpoint endpoint, std::string& heard) {
    while (heard.size() < 3) {
        const Datagram datagram = co_await endpoint.recv();
        heard += datagram.data;
    }
}

Task<> converse(Sweep& sweep) {
    auto& heard = sweep.make<std::string>();
    const DatagramEndpoint server = co_await create_datagram_endpoint({.local = anywhere()});
    const DatagramEndpoint client = co_await create_datagram_endpoint({.local = anywhere()});
    auto saying = create_task(say_numbers(client, server.getsockname()));
    auto hearing = sweep.victim(create_task(hear_numbers(server, heard)));
    co_await ended(saying);
    co_await ended(hearing);
    co_await hear_numbers(server, heard);  // what the victim left is there for the next one
    sweep.check("every datagram was heard", [&heard] { return heard == "123"; });
}

Task<> make_and_close(Sweep&) {
    const DatagramEndpoint server = co_await create_datagram_endpoint({.local = anywhere()});
    DatagramEndpoint client = co_await create_datagram_endpoint({.remote = server.getsockname()});
    client.send("x");
    co_await client.drain();
    client.close();
    co_await client.wait_closed();
    char buffer[4];
    static_cast<void>(co_await server.recv_into(buffer));
}

Task<> send_and_receive(Sweep&) {
    const Socket first = Socket::datagram(AF_INET);
    const Socket second = Socket::datagram(AF_INET);
    first.bind(anywhere());
    char buffer[4];
    static_cast<void>(co_await second.sendto("x", first.getsockname()));
    static_cast<void>(co_await first.recvfrom(buffer));
}

Task<> look_up(Sweep&) {
    static_cast<void>(co_await getaddrinfo("127.0.0.1", 80));
    static_cast<void>(co_await getaddrinfo("localhost", 80));
}

/// Takes a turn for an answer.
class OneTurn final : public Resolver {
    Task<std::vector<AddressInfo>> getaddrinfo(std::string, std::string, AddressHints) override {
        co_await sleep(Delay());
        std::vector<AddressInfo> found(1);
        co_return found;
    }
};

Task<> look_up_by_a_resolver(Sweep& sweep) {
    get_running_loop().set_resolver(std::make_shared<OneTurn>());
    co_await ended(sweep.victim(create_task(look_up(sweep))));
}

}  // namespace

CANCEL_SWEEP("cancel at every await: datagrams that another task sends") {
    co_await converse(sweep);
}

CANCEL_SWEEP("cancel at every await: an endpoint from begin to end") {
    co_await make_and_close(sweep);
}

CANCEL_SWEEP("cancel at every await: sendto and recvfrom of a socket") {
    co_await send_and_receive(sweep);
}

CANCEL_SWEEP("cancel at every await: a look-up of a name") { co_await look_up(sweep); }
CANCEL_SWEEP("cancel at every await: a look-up by the loop's own resolver") {
    co_await look_up_by_a_resolver(sweep);
}
